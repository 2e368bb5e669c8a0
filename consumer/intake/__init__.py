"""The intake: finds the jobs that are due and claims them for this consumer's workers.

    intake.py       the thread that runs sweeps, keeps the watch alive and settles jobs that need no worker
    sweep.py        one sweep: asks the store which jobs are due
    candidates.py   ids of jobs that may be due; the workers draw from them
    claims.py       claims a job by one compare-and-set: returns a lease, or why there is none
    owners.py       limits the running jobs of each owner
    settling.py     ends cancelled, malformed and deleted jobs without a worker

    pubsub.py       a Pub/Sub subscription instead of the watch, for many consumers; events.py reads its messages

After the claim, consumer/work works on the job.
`pubsub` needs the extra `pubsub`, so it is imported only where a subscription is opened, never here.
"""

from consumer.intake.candidates import Candidates
from consumer.intake.claims import LEFT_S, Claims, Missed
from consumer.intake.intake import Feed, Intake
from consumer.intake.settling import Settler

__all__ = ["LEFT_S", "PUBSUB_MISSING", "Candidates", "Claims", "Feed", "Intake", "Missed", "Settler"]

PUBSUB_MISSING = "DOTHIS_INTAKE=pubsub needs a library: pip install 'dothis-server[pubsub]'"
