"""Cosines of a bitext, and rotations: one that is known is found, and the head reads it."""

import numpy as np
import pytest
import torch
from scipy.stats import ortho_group
from transformers import AutoModelForSequenceClassification

from xltlib.artifacts import InputError
from xltlib.evaluation.alignment import Rotation, rotated, rotation, similarity


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_cosines_of_translations_and_of_all_other_pairs():
    rng = np.random.default_rng(0)
    a, b = unit(rng.normal(size=(7, 5))), unit(rng.normal(size=(7, 5)))
    cosines = a @ b.T
    found = similarity(a, b)
    others = cosines[~np.eye(7, dtype=bool)]
    assert found.translations == pytest.approx(np.diag(cosines).mean())
    assert found.others == pytest.approx(others.mean())
    assert found.margin == pytest.approx(np.diag(cosines).mean() - others.mean())


def test_a_known_rotation_is_found():
    rng = np.random.default_rng(1)
    source = rng.normal(size=(200, 16)) + 3
    matrix = ortho_group.rvs(16, random_state=1)
    target = (source - 3) @ matrix - 2
    found = rotation(source, target)
    np.testing.assert_allclose(found.matrix, matrix, atol=1e-3)
    states = torch.tensor(source, dtype=torch.float32).reshape(2, 100, 16)
    np.testing.assert_allclose(found(states).reshape(200, 16), target, atol=1e-2)


def test_a_rotation_is_orthogonal_and_best_among_noise():
    rng = np.random.default_rng(2)
    source, target = rng.normal(size=(2, 60, 8))
    found = rotation(source, target)
    np.testing.assert_allclose(found.matrix @ found.matrix.T, np.eye(8), atol=1e-9)

    def loss(matrix):
        return np.linalg.norm((source - source.mean(0)) @ matrix - (target - target.mean(0)))

    others = [loss(ortho_group.rvs(8, random_state=i)) for i in range(20)]
    assert loss(found.matrix) < min(*others, loss(np.eye(8)))


def test_directions_that_no_pair_speaks_of_stay():
    rng = np.random.default_rng(3)
    source, target = np.zeros((2, 6, 40))
    source[:, :4] = rng.normal(size=(6, 4))
    target[:, :4] = source[:, [1, 0, 3, 2]]
    found = rotation(source, target)
    np.testing.assert_allclose(found.matrix[4:, 4:], np.eye(36), atol=1e-6)
    np.testing.assert_allclose(found.matrix[:4, :4], np.eye(4)[[1, 0, 3, 2]], atol=1e-3)


def test_the_head_reads_rotated_states_inside_the_block_alone(predictor):
    question = (["which?"], ["red sky and blue sea"], [[(0, 3), (4, 7), (8, 11)]])
    (plain,) = predictor.span_logits(*question)
    width = predictor.model.config.hidden_size
    nothing = Rotation(np.zeros(width), np.zeros(width), np.eye(width))
    with rotated(predictor.model, nothing):
        np.testing.assert_allclose(predictor.span_logits(*question)[0], plain, atol=1e-5)
    flip = Rotation(np.zeros(width), np.zeros(width), -np.eye(width))
    bias = predictor.model.qa_outputs.bias.sum().item()
    with rotated(predictor.model, flip):
        turned = predictor.span_logits(*question)[0]
    np.testing.assert_allclose(turned, 2 * bias - plain, atol=1e-5)
    assert np.abs(turned - plain).max() > 1e-2
    np.testing.assert_array_equal(predictor.span_logits(*question)[0], plain)


def test_the_hook_goes_even_if_the_block_fails(predictor):
    width = predictor.model.config.hidden_size
    turn = Rotation(np.zeros(width), np.zeros(width), -np.eye(width))
    with pytest.raises(ZeroDivisionError), rotated(predictor.model, turn):
        raise ZeroDivisionError
    assert not predictor.model.qa_outputs._forward_pre_hooks


def test_a_model_with_another_head_is_refused(tiny_encoder):
    model = AutoModelForSequenceClassification.from_pretrained(tiny_encoder)
    turn = Rotation(np.zeros(32), np.zeros(32), np.eye(32))
    with (
        pytest.raises(
            InputError, match=r"not a linear layer `qa_outputs`.*representation\.rotation"
        ),
        rotated(model, turn),
    ):
        pass
