"""From a document to `done`: the daemon, its stores, the older HTTP interface, the commands."""
