"""What a claim will rest on follows from the params, claim by claim."""

from pathlib import Path

import pytest

from xltlib import params as schema
from xltlib.reporting.preregistration import preregistered
from xltlib.study import Grid, planned, preflight


def test_each_claim_rests_on_its_own_data():
    held = planned.held(Grid(schema.load("params/quick.yaml")))
    assert held["headline"].languages == ("ar", "bn", "fi", "id", "ko", "ru", "sw", "te")
    assert held["adaptive"].languages == held["headline"].languages
    assert held["robust-xnli"].languages == ("en", "ru", "sw")
    assert held["robust-pawsx"].languages == ("de", "en", "zh")
    assert held["english-distractors"].languages == held["headline"].languages
    assert all(one.synthetic and one.seeds == 1 for one in held.values())


def test_a_profile_without_attacks_has_nothing_for_a_claim_about_them():
    params = schema.load("params/quick.yaml").model_copy(update={"attacks": {}})
    held = planned.held(Grid(params))
    assert held["headline"] is not None
    assert held["adaptive"] is None
    assert held["english-distractors"] is None


def test_a_primary_claim_with_nothing_to_compare_is_named_before_the_run():
    params = schema.load("params/quick.yaml")
    assert not any("primary claim" in warning for warning in preflight.warnings(params))
    target = params.targets["tydiqa"]
    clean = target.model_copy(update={"test_sets": target.test_sets[:1]})
    params = params.model_copy(update={"targets": params.targets | {"tydiqa": clean}})
    (said,) = (w for w in preflight.warnings(params) if "primary claim" in w)
    assert said.startswith("claims.headline: the primary claim, but")


@pytest.mark.parametrize("file", sorted(Path("params").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_profile_that_has_claims_can_measure_its_primary_one(file):
    if file.name == "claims.yaml":
        pytest.skip("not a profile")
    params = schema.load(file)
    held = planned.held(Grid(params))
    assert all(held[name] for name, claim in params.claims.items() if claim.primary)


def test_an_arm_that_is_not_crossed_is_not_compared():
    params = schema.load("params/quick.yaml")
    target = params.targets["tydiqa"]
    crossing = (
        params.targets["xnli"]
        .crossings[0]
        .model_copy(update={"arms": ["none", "english"], "methods": ["standard"]})
    )
    fewer = target.model_copy(update={"crossings": [crossing]})
    params = params.model_copy(update={"targets": params.targets | {"tydiqa": fewer}})
    assert planned.held(Grid(params))["headline"] is None


def test_the_preregistration_names_conditions_and_the_rule_on_seeds():
    params = schema.load("params/quick.yaml")
    named = {
        name: planned.conditions(params, params.claims[name].estimate)
        for name in ("headline", "adaptive")
    }
    assert named["headline"] == ["typo-20", "addonesent"]
    # The other attacks are on one arm.
    assert named["adaptive"] == ["typo", "distractor"]
    words = preregistered(params, named)
    assert "mean over the static conditions (typo-20, addonesent), equally weighted" in words
    assert "*headline* needs 5, or 8 if the standard deviation" in words
