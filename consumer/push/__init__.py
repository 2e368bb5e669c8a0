"""Push messages to a user's devices: when the feedback is ready, and when a job has failed.

    outbox.py   sends the messages that are due to the user's devices, in a thread
    wording.py  title and sentence in the language of a device
    fcm.py      Firebase Cloud Messaging; imported only if DOTHIS_PUSH is on

A message is a document until it is sent. The commit that writes the result, or the failure, also writes that document
(consumer/jobs/companions.py), so a crash loses no message. To push to another service, implement `Sender` beside fcm.py,
add its name to `Settings.push`, and open it in `open_sender` of consumer/commands/daemon.py.
"""

from consumer.push.outbox import Message, Outbox, Outcome, Sender

__all__ = ["Message", "Outbox", "Outcome", "Sender"]
