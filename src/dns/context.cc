// context.cc — see context.h.
#include "dns/context.h"

#include "base/text.h"

#include <algorithm>
#include <unbound.h>
#include <unistd.h>

namespace posthaste::dns {

namespace {

constexpr std::size_t most_records = 100;

// The root zone's keys of 2017 and 2024, as IANA publishes them (RFC 9718).
constexpr const char* root_keys[] = {
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"};

Result<void> check(int code, std::string_view what)
{
    if (code == 0)
        return {};
    return fail(ErrorKind::Io, std::string(what) + ": " + ub_strerror(code));
}

Result<void> add_trust_anchors(ub_ctx* unbound, const std::string& file)
{
    if (file.empty())
        return {};
    if (::access(file.c_str(), F_OK) == 0)
        return check(ub_ctx_add_ta_file(unbound, file.c_str()), file);
    for (const char* key : root_keys)
        TRY(check(ub_ctx_add_ta(unbound, key), "trust anchor"));
    return {};
}

Answer make_answer(const ub_result& result)
{
    Answer answer;
    answer.status = result.havedata   ? Answer::Status::Found
                    : result.nxdomain ? Answer::Status::NoSuchName
                                      : Answer::Status::NoSuchData;
    answer.secure = result.secure != 0;
    answer.ttl = static_cast<std::uint32_t>(std::max(result.ttl, 0));
    answer.canonical_name = result.canonname ? result.canonname : result.qname;
    if (answer.canonical_name.size() > 1 && answer.canonical_name.ends_with('.'))
        answer.canonical_name.pop_back();
    if (result.havedata)
        for (std::size_t i = 0; result.data[i] && i < most_records; ++i)
            answer.records.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
    return answer;
}

}  // namespace

// A lookup under way. libunbound holds a pointer to it until it has answered or the lookup is cancelled.
struct Context::Pending {
    explicit Pending(ub_ctx* unbound) : context(unbound) {}
    ~Pending()
    {
        if (number >= 0)
            ub_cancel(context, number);
    }
    Pending(const Pending&) = delete;
    Pending& operator=(const Pending&) = delete;

    static void answered(void* argument, int code, ub_result* result)
    {
        auto* pending = static_cast<Pending*>(argument);
        pending->number = -1;
        // Copied, and the result freed, before the waiting task runs: it may destroy this object.
        if (code != 0)
            pending->answer = fail(ErrorKind::Temporary, ub_strerror(code));
        else if (result->bogus)
            pending->answer = fail(ErrorKind::Temporary, "DNSSEC validation failed");
        else if (result->rcode != 0 && !result->nxdomain)
            pending->answer = fail(ErrorKind::Temporary, "Host not found, try again");
        else
            pending->answer = make_answer(*result);
        ub_resolve_free(result);
        pending->done.set();
    }

    ub_ctx* context;
    int number = -1;
    Result<Answer> answer;
    net::Event done;
};

Result<std::shared_ptr<Context>> Context::open(const ContextOptions& options)
{
    ub_ctx* unbound = ub_ctx_create();
    if (!unbound)
        return fail(ErrorKind::Io, "cannot make a DNS context");
    std::shared_ptr<Context> context(new Context(unbound));
    TRY(check(ub_ctx_async(unbound, 1), "DNS thread"));
    // A resolver on this machine is the usual case, and the only one in tests.
    TRY(check(ub_ctx_set_option(unbound, "do-not-query-localhost:", "no"), "do-not-query-localhost"));
    TRY(check(ub_ctx_set_option(unbound, "unblock-lan-zones:", "yes"), "unblock-lan-zones"));
    // The upstream resolver decides what these names are, not we.
    for (const char* zone :
         {"test. transparent", "invalid. transparent", "home.arpa. transparent", "127.in-addr.arpa. transparent"})
        TRY(check(ub_ctx_set_option(unbound, "local-zone:", zone), "local-zone"));
    TRY(add_trust_anchors(unbound, options.trust_anchor_file));
    if (options.servers.empty())
        TRY(check(ub_ctx_resolvconf(unbound, nullptr), "/etc/resolv.conf"));
    for (const std::string& server : options.servers)
        TRY(check(ub_ctx_set_fwd(unbound, server.c_str()), server));
    // Makes libunbound read and apply everything now, while files can be opened.
    TRY(check(ub_ctx_data_add(unbound, "posthaste.invalid. 1 IN TXT \"ready\""), "DNS context"));
    context->tasks_->start(process_answers(unbound));
    return context;
}

void Context::release(std::shared_ptr<Context> context)
{
    if (context.use_count() == 1)
        net::Loop::current().post([last = std::move(context)] { static_cast<void>(last); });
}

Context::~Context()
{
    tasks_.reset();
    ub_ctx_delete(context_);
}

Task<void> Context::process_answers(ub_ctx* context)
{
    net::Watch watch(ub_fd(context));
    // Waits for as long as the context lives; each lookup has a deadline of its own.
    while (co_await watch.wait(net::Watch::Direction::Read, net::Deadline::never()))
        ub_process(context);
}

Task<Result<Answer>> Context::lookup(std::string queried, Type type, net::Deadline deadline)
{
    constexpr int internet = 1;  // class IN
    Pending pending(context_);
    int number = -1;
    int code = ub_resolve_async(context_, queried.c_str(), static_cast<int>(type), internet, &pending,
                                &Pending::answered, &number);
    if (code != 0) {
        auto kind = code == UB_SYNTAX ? ErrorKind::Invalid : ErrorKind::Temporary;
        co_return fail(kind, describe(queried, type, ub_strerror(code)));
    }
    if (!pending.done.is_set())
        pending.number = number;
    if (!co_await pending.done.wait(deadline))
        co_return fail(ErrorKind::Timeout, describe(queried, type, "Host not found, try again"));
    if (!pending.answer)
        co_return fail(pending.answer.error().kind(), describe(queried, type, pending.answer.error().text()));
    co_return std::move(*pending.answer);
}

}  // namespace posthaste::dns
