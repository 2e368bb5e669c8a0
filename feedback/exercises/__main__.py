"""Print the JSON Schema of exercise files.

python -m feedback.exercises > docs/exercise.schema.json
"""

import json
import sys

from feedback.exercises.files import json_schema

sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
