# Reads a dashboard with the types that Grafana publishes, writes it again, and prints, as a JSON list,
# what was lost or changed on the way: fields that Grafana does not know.
import json
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


def lost(ours, theirs, path):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{path}/{key}")
            else:
                yield f"{path}/{key} is lost"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, pair in enumerate(zip(ours, theirs)):
            yield from lost(*pair, f"{path}/{index}")
    elif ours != theirs:
        yield f"{path}: {ours!r} has become {theirs!r}"


register_default_plugins()
with open(sys.argv[1], encoding="utf-8") as file:
    ours = json.load(file)
theirs = json.loads(JSONEncoder().encode(Dashboard.from_json(ours)))
json.dump(list(lost(ours, theirs, "")), sys.stdout)
