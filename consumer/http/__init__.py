"""The older HTTP interface and the web client, which `dothis shim` and `dothis up` serve on DOTHIS_SHIM_PORT.

    shim.py              the older interface: its routes write a document and wait for the result
    web.py               `dothis up --web`: the JSON API and the pages of the reference web client in client/ (examples/web)
    serving.py           the HTTP server that runs both
    tokens.py            who sent a request, if DOTHIS_SHIM_REQUIRE_TOKEN is on; firebase_tokens.py checks a token with Firebase

This module imports nothing, so that Flask and Firebase are loaded only if they are used. The daemon's /healthz and /metrics are
in another server, without Flask: consumer/operations/health.py.
"""
