// send_batch.cc — see send_batch.h.
#include "net/send_batch.h"

#include <algorithm>
#include <cerrno>
#include <functional>
#include <liburing.h>
#include <span>
#include <sys/socket.h>
#include <utility>

namespace posthaste::net {

namespace {

constexpr unsigned ring_size = 128;                 // sends of one system call
constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;  // the kernel is done with each before the call returns

}  // namespace

class SendBatch::Ring {
public:
    static std::unique_ptr<Ring> make()
    {
        io_uring ring{};
        if (::io_uring_queue_init(ring_size, &ring, 0) != 0)
            return nullptr;
        return std::unique_ptr<Ring>(new Ring(ring));
    }
    ~Ring() { ::io_uring_queue_exit(&ring_); }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // At most ring_size of them. False: the ring is of no use any more, and those without a result have not been sent.
    bool send(std::span<Send* const> sends)
    {
        for (Send* each : sends) {
            io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
            ::io_uring_prep_send(entry, each->fd_, each->bytes_.data(), each->bytes_.size(), flags);
            ::io_uring_sqe_set_data(entry, each);
        }
        for (auto left = sends.size(); left > 0;) {
            const int submitted = ::io_uring_submit_and_wait(&ring_, static_cast<unsigned>(left));
            left -= take_results();
            if (submitted < 0 && submitted != -EINTR)
                return false;
        }
        return true;
    }

private:
    explicit Ring(const io_uring& ring) : ring_(ring) {}

    std::size_t take_results()
    {
        std::size_t count = 0;
        for (io_uring_cqe* done = nullptr; ::io_uring_peek_cqe(&ring_, &done) == 0; ++count) {
            static_cast<Send*>(::io_uring_cqe_get_data(done))->result_ = done->res;
            ::io_uring_cqe_seen(&ring_, done);
        }
        return count;
    }

    io_uring ring_;
};

SendBatch::SendBatch() = default;
SendBatch::~SendBatch() = default;

SendBatch::Send::~Send()
{
    if (!waiter_)
        return;
    std::erase(batch_->queued_, this);
    std::ranges::replace(batch_->sending_, this, nullptr);
}

void SendBatch::Send::await_suspend(std::coroutine_handle<> waiter)
{
    waiter_ = waiter;
    batch_->queued_.push_back(this);
}

void SendBatch::cancel(int fd)
{
    for (Send* each : queued_)
        if (each->fd_ == fd) {
            each->fd_ = -1;
            each->result_ = -ECANCELED;
        }
}

bool SendBatch::flush()
{
    if (queued_.empty())
        return false;
    sending_.swap(queued_);
    send_all();
    for (std::size_t i = 0; i < sending_.size(); ++i)  // who is resumed may take others out
        if (Send* each = std::exchange(sending_[i], nullptr))
            std::exchange(each->waiter_, {}).resume();
    sending_.clear();
    return true;
}

void SendBatch::send_all()
{
    auto cancelled = [](const Send* each) { return each->fd_ < 0; };
    const auto end = std::ranges::partition(sending_, std::not_fn(cancelled)).begin();
    std::span<Send* const> left(sending_.begin(), end);
    if (left.size() > 1 && !std::exchange(ring_tried_, true))
        ring_ = Ring::make();
    while (ring_ && left.size() > 1) {  // one alone costs less without
        const auto some = left.first(std::min<std::size_t>(left.size(), ring_size));
        if (!ring_->send(some)) {
            ring_.reset();
            break;
        }
        left = left.subspan(some.size());
    }
    for (Send* each : left) {
        if (each->result_ != 0)
            continue;
        const ssize_t sent = ::send(each->fd_, each->bytes_.data(), each->bytes_.size(), flags);
        each->result_ = sent < 0 ? -errno : static_cast<int>(sent);
    }
}

}  // namespace posthaste::net
