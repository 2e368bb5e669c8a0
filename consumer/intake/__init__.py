"""From the stores to a lease: which jobs are due, which of them are tried, and who gets them.

    sweep.py        asks the store and tends the watch, in a thread of its own; feeds
    candidates.py   ids that might be due, which the workers draw from; what they draw goes to
    claims.py       one compare-and-set: a lease, or why there is none; it asks
    owners.py       whether the job's owner has as many running as one may have
    settling.py     ends what needs no work, without a worker: cancelled, malformed and deleted jobs

    pubsub.py       a subscription in the watch's place, for large fleets; events.py reads its messages

From then on consumer/work has the job: its lease.py holds it, its worker.py works on it.
`pubsub` needs an extra, and gRPC: it is imported only where a subscription is opened, never from here.
"""

from consumer.intake.candidates import Candidates
from consumer.intake.claims import LEFT_S, Claims, Missed
from consumer.intake.settling import Settler
from consumer.intake.sweep import Feed, Intake

__all__ = ["LEFT_S", "PUBSUB_MISSING", "Candidates", "Claims", "Feed", "Intake", "Missed", "Settler"]

PUBSUB_MISSING = "DOTHIS_INTAKE=pubsub needs a library: pip install 'dothis-server[pubsub]'"
