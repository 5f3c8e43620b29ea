"""What a test looks for in a message that arrived."""
import email
import email.policy


def parsed(message):
    """The message of a sink as the email package knows it."""
    return email.message_from_bytes(message.content, policy=email.policy.default)
