"""`make demo-firebase`: `dothis demo` against emulators of Firestore and Cloud Storage that are started for it."""

import os
import subprocess
import sys

from tests.emulators import EmulatorMissing, create_bucket, start_firestore, start_storage

PROJECT = "demo-dothis"
BUCKET = f"{PROJECT}.firebasestorage.app"


def main() -> int:
    """Start the emulators, run the demo, stop them; the demo's exit code."""
    try:
        firestore = start_firestore()
    except EmulatorMissing as error:
        sys.stderr.write(f"{error}\n")
        return 1
    with firestore, start_storage() as storage:
        create_bucket(storage.host, PROJECT, BUCKET)
        sys.stdout.write(f"Firestore emulator on {firestore.host}, Cloud Storage emulator on {storage.host}\n")
        sys.stdout.flush()
        environment = {
            "FIRESTORE_EMULATOR_HOST": firestore.host,
            "STORAGE_EMULATOR_HOST": storage.host,
            "DOTHIS_BACKEND": "firebase",
            "DOTHIS_PROJECT": PROJECT,
            "DOTHIS_BUCKET": BUCKET,
        }
        command = [sys.executable, "-m", "consumer.cli", "demo", *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
