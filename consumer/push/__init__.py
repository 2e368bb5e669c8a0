"""Messages to a user's devices when the app is closed: at the feedback, and when a job failed.

    outbox.py   which messages are due, who sends them, to which devices
    wording.py  title and sentence in the language of a device
    fcm.py      Firebase Cloud Messaging; imported only where messages are wished

A due message is a document, written in the commit that brings the news (consumer/jobs/companions.py). So no crash loses it; a
thread of its own sends it, so no job waits for it.
"""

from consumer.push.outbox import Message, Outbox, Outcome, Sender

__all__ = ["Message", "Outbox", "Outcome", "Sender"]
