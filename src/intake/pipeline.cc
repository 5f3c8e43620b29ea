// The way into the queue, see pipeline.h.
#include "intake/pipeline.h"

#include "base/text.h"
#include "intake/address_rewriter.h"
#include "intake/content_rules.h"
#include "intake/header_addresses.h"
#include "intake/header_pass.h"
#include "intake/inspection.h"
#include "intake/missing_headers.h"
#include "intake/recipients.h"
#include "intake/smtputf8.h"
#include "intake/stray_line_ends.h"
#include "log/events_cleanup.h"
#include "log/log.h"
#include "net/loop.h"
#include "param/basics.h"
#include "param/cleanup.h"
#include "param/rewrite.h"
#include "queue/writer.h"
#include "routing/router.h"
#include "table/settings.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace posthaste::intake {

struct Pipeline::Impl {
    std::shared_ptr<const config::Config> config;
    std::shared_ptr<routing::Router> router;
    std::unique_ptr<AddressRewriter> rewriter;
    std::unique_ptr<RecipientMapper> mapper;
    std::unique_ptr<queue::Writer> writer;
    std::unique_ptr<ContentRules> content_rules;
    Utf8Detection utf8_detection;
    HeaderRules rules;
    OriginNames names;
    std::uint64_t size_limit = 0;  // 0: none
    unsigned hop_limit = 0;
    std::chrono::seconds in_flow_delay{0};
    bool always_add_missing_headers = false;
    bool rewrites_remote_headers = false;
    bool replaces_stray_line_ends = true;
    bool detects_encoding = true;
};

struct Message::State final : public ContentSink {
    State(Pipeline::Impl& owner, queue::Draft new_draft, const Source& source)
        : pipeline(&owner), draft(std::move(new_draft)), header(owner.rules, rewriting_of(owner, source)),
          adds_headers(owner.always_add_missing_headers || rewriting_of(owner, source) != AddressRewriting::Off),
          map_addresses(source.map_addresses)
    {
        if (source.inspect_content && owner.content_rules->inspects(source.origin))
            inspection = std::make_unique<Inspection>(*owner.content_rules, draft.envelope(), *this);
        if (!map_addresses)
            return;
        const AddressRewriter& rewriter = *owner.rewriter;
        const bool tables_for_headers =
            rewriting_of(owner, source) != AddressRewriting::Off &&
            (rewriter.changes(AddressPlace::HeaderSender) || rewriter.changes(AddressPlace::HeaderRecipient));
        if (tables_for_headers)
            header.note_addresses(&places);
        // A From: that is missing has the sender's new address.
        keeps_header = tables_for_headers || (adds_headers && rewriter.changes(AddressPlace::EnvelopeSender));
    }

    static AddressRewriting rewriting_of(const Pipeline::Impl& owner, const Source& source)
    {
        if (source.context == RewriteContext::Local)
            return AddressRewriting::Local;
        return owner.rewrites_remote_headers ? AddressRewriting::Remote : AddressRewriting::Off;
    }

    void add_own_headers(std::string_view crlf_lines);
    void add_content(std::string_view crlf_lines);
    void add_inspected(std::string_view crlf_lines) override;
    void add_prepended(std::string_view crlf_line) override;
    Task<void> inspect();
    Task<Accepted<>> feed_inspection(std::string own_headers, std::string lines);
    Task<void> end_inspection();
    void end_content();
    void add_header_lines(std::string_view* crlf_lines);
    void end_header();
    void complete_sender();
    Task<void> rewrite_sender();
    Task<void> rewrite_header();
    Task<void> settle();
    void store(std::string_view crlf_lines);
    void store_header();
    void fail_with(Rejection rejection);
    [[nodiscard]] bool is_too_big(std::uint64_t stored) const
    {
        return pipeline->size_limit != 0 && stored > pipeline->size_limit;
    }

    Pipeline::Impl* pipeline;
    queue::Draft draft;
    HeaderPass header;
    std::string pending;  // header text on its way to the draft; empty between calls unless keeps_header
    std::vector<HeaderPlace> places;
    std::string kept;  // content that came before the header was settled
    std::unique_ptr<Inspection> inspection;
    std::string uninspected_headers;  // of ours
    std::string uninspected;          // whole lines that wait for inspect()
    std::optional<Rejection> failure;
    std::uint64_t size = 0;
    bool in_body = false;
    bool unsettled = false;
    bool sender_complete = false;
    bool sender_rewritten = false;
    bool keeps_header = false;  // until settle()
    bool adds_headers;
    bool map_addresses;
};

void Message::State::fail_with(Rejection rejection)
{
    if (failure)
        return;
    log::message_refused(draft.envelope().queue_id, rejection.detail.empty() ? rejection.text : rejection.detail);
    failure = std::move(rejection);
}

void Message::State::store(std::string_view crlf_lines)
{
    if (auto stored = draft.append_lines(crlf_lines); !stored)
        fail_with(Rejection(std::move(stored.error())));
    else if (is_too_big(draft.facts().size - draft.facts().lines))
        fail_with(Rejection::message_too_big());
}

// Where tables are to be asked, the header stays in memory until it is complete.
void Message::State::store_header()
{
    if (keeps_header) {
        if (is_too_big(pending.size()))
            fail_with(Rejection::message_too_big());
        return;
    }
    if (!pending.empty())
        store(pending);
    pending.clear();
}

void Message::State::add_own_headers(std::string_view crlf_lines)
{
    if (inspection) {
        uninspected_headers += crlf_lines;
        return;
    }
    add_content(crlf_lines);
    if (in_body)
        return;
    header.separate(pending);
    store_header();
}

void Message::State::add_prepended(std::string_view crlf_line)
{
    if (in_body) {
        add_inspected(crlf_line);
        return;
    }
    header.separate(pending);
    pending += crlf_line;
    store_header();
}

// The size limit counts line ends as one byte: what is announced with SIZE= in CRLF form and fits is not refused here
// because of the headers that were added on the way. (Postfix counts its whole queue file and refuses it.)
void Message::State::add_content(std::string_view crlf_lines)
{
    size += crlf_lines.size();
    if (failure)
        return;
    std::string repaired;
    if (pipeline->replaces_stray_line_ends && has_stray_line_end(crlf_lines)) {
        repaired = replace_stray_line_ends(crlf_lines);
        crlf_lines = repaired;
    }
    if (!inspection)
        add_inspected(crlf_lines);
    else if (!inspection->discarded())
        uninspected += crlf_lines;
}

void Message::State::add_inspected(std::string_view crlf_lines)
{
    if (failure)
        return;
    if (!in_body)
        add_header_lines(&crlf_lines);
    if (failure || crlf_lines.empty())
        return;
    if (!unsettled)
        store(crlf_lines);
    else if (is_too_big(kept.size() + pending.size()))
        fail_with(Rejection::message_too_big());
    else
        kept += crlf_lines;
}

void Message::State::add_header_lines(std::string_view* crlf_lines)
{
    std::size_t taken = header.feed(*crlf_lines, pending);
    crlf_lines->remove_prefix(taken);
    if (header.hops() > pipeline->hop_limit) {
        fail_with(Rejection::too_many_hops());
    } else if (header.end() == HeaderPass::End::Open) {
        store_header();
    } else {
        in_body = true;
        if (keeps_header)
            unsettled = true;
        else
            end_header();
    }
}

// Tables are asked about what has come since the last time.
Task<void> Message::State::inspect()
{
    if (!inspection || failure || (uninspected.empty() && uninspected_headers.empty()))
        co_return;
    auto done = co_await feed_inspection(std::exchange(uninspected_headers, {}), std::exchange(uninspected, {}));
    if (!done)
        fail_with(std::move(done.error()));
    else if (inspection->rejection() && !failure)
        failure = std::move(*inspection->rejection());  // it has been logged
}

Task<void> Message::State::end_inspection()
{
    co_await inspect();
    if (failure || inspection->discarded())
        co_return;
    if (auto done = co_await inspection->separate(); !done)
        fail_with(std::move(done.error()));
    else if (inspection->rejection() && !failure)
        failure = std::move(*inspection->rejection());
}

// There is no more: the header ends here if it has not ended before.
void Message::State::end_content()
{
    if (in_body || failure)
        return;
    header.finish(pending);
    in_body = true;
    if (keeps_header)
        unsettled = true;
    else
        end_header();
}

Task<Accepted<>> Message::State::feed_inspection(std::string own_headers, std::string lines)
{
    if (!own_headers.empty()) {
        if (auto done = co_await inspection->feed(std::move(own_headers)); !done)
            co_return done;
        if (auto done = co_await inspection->separate(); !done)
            co_return done;
        header.separate(pending);
        store_header();
    }
    if (lines.empty() || inspection->rejection())
        co_return Accepted<>();
    co_return co_await inspection->feed(std::move(lines));
}

// Once: u@host. is u@host, which is u@host.$mydomain.
void Message::State::complete_sender()
{
    std::string& sender = draft.envelope().sender;
    if (!sender.empty() && !sender_complete)
        sender = pipeline->router->canonical_form(sender, RewriteContext::Local);
    sender_complete = true;
}

// Once: tables would be asked about their own answer.
Task<void> Message::State::rewrite_sender()
{
    complete_sender();
    queue::Envelope& envelope = draft.envelope();
    if (!map_addresses || sender_rewritten || envelope.sender.empty() ||
        !pipeline->rewriter->changes(AddressPlace::EnvelopeSender))
        co_return;
    auto rewritten = co_await pipeline->rewriter->rewrite(envelope.sender, AddressPlace::EnvelopeSender);
    if (!rewritten) {
        fail_with(std::move(rewritten.error()));
        co_return;
    }
    envelope.sender = std::move(*rewritten);
    sender_rewritten = true;
}

namespace {

AddressPlace place_of(HeaderRole role)
{
    return role == HeaderRole::Sender ? AddressPlace::HeaderSender : AddressPlace::HeaderRecipient;
}

}  // namespace

Task<void> Message::State::rewrite_header()
{
    if (places.empty())
        co_return;
    AddressRewriter& rewriter = *pipeline->rewriter;
    std::erase_if(places, [&](const HeaderPlace& header) { return !rewriter.changes(place_of(header.role)); });
    auto rewritten = co_await rewrite_header_addresses(
        [&rewriter](std::string address, HeaderRole role) {
            return rewriter.rewrite(std::move(address), place_of(role));
        },
        std::move(pending), std::move(places), pipeline->rules.token_limit);
    if (rewritten)
        pending = std::move(*rewritten);
    else
        fail_with(std::move(rewritten.error()));
}

Task<void> Message::State::settle()
{
    co_await inspect();
    if (!unsettled || failure)
        co_return;
    co_await rewrite_sender();
    if (!failure)
        co_await rewrite_header();
    if (failure)
        co_return;
    end_header();
    unsettled = false;
    if (!failure && !kept.empty())
        store(kept);
    kept = {};
}

// Adds what is missing, then the empty line, unless there is no body at all.
void Message::State::end_header()
{
    complete_sender();
    queue::Envelope& envelope = draft.envelope();
    MissingHeaders made;
    if (adds_headers) {
        made = missing_headers(header, envelope, pipeline->names);
        pending += made.text;
    }
    if (header.end() != HeaderPass::End::Content)
        pending += "\r\n";
    store(pending);
    pending.clear();
    draft.end_of_header();

    if (header.says_eight_bit() && pipeline->detects_encoding)
        envelope.encoding = queue::BodyEncoding::EightBit;
    envelope.hop_count = header.hops();
    envelope.message_id = !header.message_id().empty() || made.resent ? header.message_id() : made.message_id;
    const std::string& resent_id =
        made.resent && !made.message_id.empty() ? made.message_id : header.resent_message_id();
    if (!resent_id.empty())
        log::resent_message_id(envelope.queue_id, resent_id);
    log::message_id(envelope.queue_id, envelope.message_id);
}

Message::Message(std::unique_ptr<State> state) : state_(std::move(state)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

const std::string& Message::queue_id() const { return state_->draft.envelope().queue_id; }
queue::Envelope& Message::envelope() { return state_->draft.envelope(); }
bool Message::failed() const { return state_->failure.has_value(); }
const Rejection* Message::failure() const { return state_->failure ? &*state_->failure : nullptr; }
std::uint64_t Message::size() const { return state_->size; }
void Message::add_lines(std::string_view crlf_lines) { state_->add_content(crlf_lines); }
bool Message::unsettled() const { return state_->unsettled || !state_->uninspected.empty(); }
void Message::hold() { state_->draft.hold(); }
Task<void> Message::settle() { return state_->settle(); }

void Message::add_own_headers(std::string_view crlf_lines) { state_->add_own_headers(crlf_lines); }

namespace {

// The writer sees to it that the lines of this message are out before the queue manager can see it.
Task<Accepted<Finished>> commit(queue::Writer* writer, queue::Draft draft)
{
    std::string queue_id = draft.envelope().queue_id;
    auto committed = co_await writer->commit(std::move(draft));
    if (!committed) {
        log::message_refused(queue_id, "queue file write error: " + committed.error().text());
        co_return std::unexpected(Rejection(std::move(committed.error())));
    }
    co_return Finished{std::move(committed->ref), committed->facts};
}

// A line break in an address would become a command of ours on somebody else's SMTP connection. Addresses come from
// users (maildrop/) and tables, not only from SMTP commands.
bool has_control_characters(const queue::Envelope& envelope)
{
    auto bad = [](std::string_view text) {
        return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
    };
    return bad(envelope.sender) || bad(envelope.dsn_envid) ||
           std::ranges::any_of(envelope.recipients, [&](const queue::Recipient& recipient) {
               return bad(recipient.address) || bad(recipient.original) || bad(recipient.dsn_orcpt);
           });
}

// postconf(5) in_flow_delay: who brings new mail is slowed down. Notices and forwarded mail are part of what the queue
// manager works on, which would only take longer.
bool comes_from_outside(queue::Origin origin)
{
    return origin == queue::Origin::Smtpd || origin == queue::Origin::Sendmail || origin == queue::Origin::Qmqpd;
}

// REDIRECT: one recipient in the place of all.
void redirect_recipients(queue::Envelope& envelope)
{
    if (envelope.redirect.empty())
        return;
    queue::Recipient& first = envelope.recipients.front();
    if (first.original.empty())
        first.original = first.address;
    first.address = envelope.redirect;
    envelope.recipients.resize(1);
}

Accepted<Finished> discarded(std::string queue_id)
{
    Finished finished;
    finished.ref.queue_id = std::move(queue_id);
    return finished;
}

}  // namespace

Task<Accepted<Finished>> Message::finish()
{
    std::unique_ptr<State> state = std::move(state_);
    std::vector<std::string> copies;
    if (state->inspection) {
        co_await state->end_inspection();
        if (!state->failure && state->inspection->discarded())
            co_return discarded(state->draft.envelope().queue_id);
        if (state->inspection->held())
            state->draft.hold();
        copies = state->inspection->copies();
    }
    state->end_content();
    co_await state->settle();
    if (!state->failure)
        co_await state->rewrite_sender();
    if (state->failure)
        co_return std::unexpected(std::move(*state->failure));
    Pipeline::Impl& pipeline = *state->pipeline;
    queue::Envelope& envelope = state->draft.envelope();
    if (state->map_addresses) {
        auto mapped = co_await pipeline.mapper->map(&envelope, std::move(copies));
        if (!mapped) {
            state->fail_with(std::move(mapped.error()));
            co_return std::unexpected(std::move(*state->failure));
        }
    } else {
        pipeline.mapper->complete(envelope, std::move(copies));
    }
    if (envelope.recipients.empty())
        co_return std::unexpected(Rejection::no_recipients());
    redirect_recipients(envelope);
    if (has_control_characters(envelope)) {
        log::message_refused(envelope.queue_id, Rejection::bad_address().text);
        co_return std::unexpected(Rejection::bad_address());
    }
    pipeline.utf8_detection.mark(envelope, state->draft.facts());
    if (comes_from_outside(envelope.origin) && pipeline.in_flow_delay.count() > 0 &&
        pipeline.writer->queue_manager_is_behind())
        co_await net::sleep_for(pipeline.in_flow_delay);
    co_return co_await commit(pipeline.writer.get(), std::move(state->draft));
}

Result<std::unique_ptr<Pipeline>> Pipeline::open(std::shared_ptr<const config::Config> config,
                                                 std::shared_ptr<routing::Router> router)
{
    const auto scope = table::OptionsScope::enter(config);
    auto impl = std::make_unique<Impl>();
    impl->config = config;
    impl->router = std::move(router);
    if (!impl->router) {
        TRY(impl->router, routing::Router::open(config));
    }
    TRY(impl->content_rules, ContentRules::read(*config));
    impl->utf8_detection = Utf8Detection::read(*config);
    TRY(impl->rewriter, AddressRewriter::open(*config, *impl->router));
    TRY(impl->mapper, RecipientMapper::open(*config, *impl->router, *impl->rewriter));
    for (std::string_view name : split(config->get(param::message_drop_headers), ", \t\r\n"))
        impl->rules.drop.push_back(to_lower(name));
    impl->rules.size_limit = static_cast<std::size_t>(config->get(param::header_size_limit));
    impl->rules.token_limit = static_cast<std::size_t>(config->get(param::header_address_token_limit));
    impl->rules.canonical_form = [router = impl->router.get()](std::string_view address, AddressRewriting context) {
        return router->canonical_external_form(address, context == AddressRewriting::Remote ? RewriteContext::Remote
                                                                                            : RewriteContext::Local);
    };
    impl->rewrites_remote_headers = !config->get(param::remote_header_rewrite_domain).empty();
    impl->names = {.myhostname = config->get(param::myhostname),
                   .undisclosed_recipients_header = config->get(param::undisclosed_recipients_header),
                   .long_queue_ids = config->get(param::enable_long_queue_ids),
                   .obsolete_from = config->get(param::header_from_format) == "obsolete",
                   .charset = config->get(param::full_name_encoding_charset)};
    impl->size_limit = static_cast<std::uint64_t>(config->get(param::message_size_limit));
    impl->hop_limit = static_cast<unsigned>(config->get(param::hopcount_limit));
    impl->in_flow_delay = config->get(param::in_flow_delay);
    impl->detects_encoding = config->get(param::detect_8bit_encoding_header);
    impl->replaces_stray_line_ends = config->get(param::cleanup_replace_stray_cr_lf);
    impl->always_add_missing_headers = config->get(param::always_add_missing_headers);
    return std::unique_ptr<Pipeline>(new Pipeline(std::move(impl)));
}

Pipeline::Pipeline(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pipeline::~Pipeline() = default;

Result<void> Pipeline::start(queue::QueueOptions options, std::string qmgr_socket)
{
    TRY(impl_->writer, queue::Writer::open(std::move(options), std::move(qmgr_socket)));
    return {};
}

Accepted<Message> Pipeline::begin(const Source& source)
{
    auto draft = impl_->writer->begin();
    if (!draft)
        return std::unexpected(Rejection(std::move(draft.error())));
    queue::Envelope& envelope = draft->envelope();
    envelope.origin = source.origin;
    envelope.local_rewrite_context = source.context == RewriteContext::Local;
    envelope.client = source.client;
    return Message(std::make_unique<Message::State>(*impl_, std::move(*draft), source));
}

bool Pipeline::broken() const { return impl_->writer != nullptr && impl_->writer->broken(); }
queue::Writer& Pipeline::writer() { return *impl_->writer; }
std::string Pipeline::completed(std::string_view address) const
{
    return impl_->router->canonical_form(address, RewriteContext::Local);
}
const config::Config& Pipeline::config() const { return *impl_->config; }

}  // namespace posthaste::intake
