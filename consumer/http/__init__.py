"""The older HTTP interface and the web client: what `dothis shim` and `dothis up` serve on DOTHIS_SHIM_PORT.

    serving.py           the server that stops when it is told to, and what it serves
    shim.py              the older interface: one more client, that writes a document and waits for its end
    web.py               `dothis up --web`: pages and upload API of the reference web client in client/ (examples/web)
    tokens.py            who sent a request, when that is asked for; firebase_tokens.py checks it with Firebase

Nothing is imported here: tokens need no Flask, and Firebase is loaded only by those who check tokens with it. The daemon's own
/healthz and /metrics are another server, which needs none of this: consumer/operations/health.py.
"""
