"""The dashboard and the alert rules ask only for metrics that the daemon has."""

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from consumer.operations.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dothis.json").read_text(encoding="utf-8"))
ALERTS = [
    rule for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"] for rule in group["rules"]
]


def exported() -> set[str]:
    """Names of the series, as a query writes them."""
    families = text_string_to_metric_families(generate_latest(Metrics().registry).decode())
    kinds = {family.name: family.type for family in families}
    names = {name for name, kind in kinds.items() if kind == "gauge" and not name.endswith("_created")}
    names |= {f"{name}_total" for name, kind in kinds.items() if kind == "counter"}
    return names | {f"{name}_bucket" for name, kind in kinds.items() if kind == "histogram"}


def asked(expression: str) -> set[str]:
    return set(re.findall(r"\bdothis_\w+", expression))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is_and_says_what_to_do(rule: dict[str, object]) -> None:
    assert asked(str(rule["expr"])) <= exported()
    assert str(rule["annotations"]["summary"]).endswith(".")  # type: ignore[index]
    assert f"### {rule['alert']}" in (DEPLOY.parent / "docs" / "operator.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_there_is(panel: dict[str, list[dict[str, str]]]) -> None:
    queries = [target["expr"] for target in panel["targets"]]
    assert queries
    for query in queries:
        assert asked(query)
        assert asked(query) <= exported()


def test_every_metric_is_on_the_dashboard() -> None:
    shown = asked(json.dumps(DASHBOARD))
    assert exported() - shown == set()


def test_panels_do_not_lie_over_one_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
