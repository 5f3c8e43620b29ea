// turns.cc — see turns.h.
#include "mailbox/turns.h"

namespace posthaste::mailbox {

Turns::Turn::~Turn()
{
    if (!mailbox_)
        return;
    if (taken_)
        mailbox_->release();
    mailbox_.reset();
    auto mailbox = mailboxes_->find(path_);
    if (mailbox != mailboxes_->end() && mailbox->second.expired())
        mailboxes_->erase(mailbox);
}

Task<Turns::Turn> Turns::take(std::string path, net::Deadline deadline)
{
    Turn turn;
    if (path.ends_with('/'))
        co_return turn;
    std::weak_ptr<net::Semaphore>& known = (*mailboxes_)[path];
    turn.mailbox_ = known.lock();
    if (!turn.mailbox_)
        known = turn.mailbox_ = std::make_shared<net::Semaphore>(1);
    turn.mailboxes_ = mailboxes_;
    turn.path_ = std::move(path);
    turn.taken_ = (co_await turn.mailbox_->acquire(deadline)).has_value();
    co_return turn;
}

}  // namespace posthaste::mailbox
