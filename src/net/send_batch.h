// send_batch.h — what one turn of the loop has to send on many sockets, in one system call (io_uring).
//
// A server that answers twenty clients one after the other is interrupted after each answer where a client runs on the
// same processor: it was woken, and is let run first. Sent together, the answers cost one change to the clients and one
// back, and the clients find twenty answers at a time. Where the kernel has no io_uring for us (sysctl
// kernel.io_uring_disabled, a filter of system calls), each is sent by itself, at the same point.
#pragma once

#include <coroutine>
#include <memory>
#include <string_view>
#include <vector>

namespace posthaste::net {

// One a loop (Loop::Impl), its thread only.
class SendBatch {
public:
    SendBatch();
    ~SendBatch();
    SendBatch(const SendBatch&) = delete;
    SendBatch& operator=(const SendBatch&) = delete;

    // co_await batch.send(fd, bytes): how many bytes the socket took, or an error number, negated: -EAGAIN if it has no
    // room, -ECANCELED after cancel(). `bytes` stay where they are until then. Never waits for the socket.
    class Send {
    public:
        Send(SendBatch* batch, int fd, std::string_view bytes) : batch_(batch), fd_(fd), bytes_(bytes) {}
        ~Send();
        Send(const Send&) = delete;
        Send& operator=(const Send&) = delete;
        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> waiter);
        int await_resume() const { return result_; }

    private:
        friend class SendBatch;
        SendBatch* batch_;
        int fd_;
        std::string_view bytes_;
        std::coroutine_handle<> waiter_;
        int result_ = 0;  // not sent yet
    };
    Send send(int fd, std::string_view bytes) { return {this, fd, bytes}; }

    // Before `fd` is closed: its number may belong to another connection by the end of the turn.
    void cancel(int fd);
    [[nodiscard]] bool empty() const { return queued_.empty(); }
    // Sends what is queued, and resumes who waits for it. What those queue waits for the next flush. False: nothing was
    // queued.
    bool flush();

private:
    class Ring;
    void send_all();

    std::unique_ptr<Ring> ring_;  // made when there is a use for it; after an error of its own there is none any more
    bool ring_tried_ = false;
    std::vector<Send*> queued_;
    std::vector<Send*> sending_;  // by flush(); null: taken out
};

}  // namespace posthaste::net
