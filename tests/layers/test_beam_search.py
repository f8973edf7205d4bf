import itertools

import numpy as np
import pytest

from layers.beam_search import beam_search

STOP = 0


def language(tokens=4, memory=2, seed=0):
    """Log-probabilities of the next token after any two tokens."""
    table = np.random.default_rng(seed).dirichlet(np.ones(tokens), size=[tokens] * memory)
    return lambda sequences: np.log(table[tuple(np.asarray(sequences)[:, -memory:].T)])


def exhaustive(step, start, length, penalty, tokens=4):
    """Every sequence of at most `length` tokens, ended by the stop or cut off, best first."""
    found = []
    for written in range(1, length + 1):
        for sequence in itertools.product(range(tokens), repeat=written):
            if STOP in sequence[:-1] or (sequence[-1] != STOP and written < length):
                continue
            whole = [*start, *sequence]
            logs = [step([whole[: len(start) + i]])[0][token] for i, token in enumerate(sequence)]
            found.append((sum(logs) / written**penalty, whole + [STOP] * (length - written)))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_wide_beam_finds_what_trying_everything_finds(penalty, seed):
    step, starts = language(seed=seed), [[1, 2], [3, 3]]
    tokens, scores = beam_search(
        step, starts, STOP, max_length=4, beam_width=200, length_penalty=penalty
    )
    for start, sequences, values in zip(starts, tokens, scores, strict=True):
        expected = exhaustive(step, start, 4, penalty)
        real = np.isfinite(values)
        assert real.sum() == len(expected)
        np.testing.assert_allclose(values[real], [score for score, _ in expected])
        assert sequences[0].tolist() == expected[0][1]


def test_without_a_penalty_the_score_is_the_sum_of_the_logarithms():
    step, start = language(seed=1), [1, 2]
    tokens, scores = beam_search(step, [start], STOP, max_length=4, beam_width=5)
    for sequence, score in zip(tokens[0], scores[0], strict=True):
        written = sequence[2:].tolist()
        written = written[: written.index(STOP) + 1] if STOP in written else written
        logs = [step([[*start, *written[:i]]])[0][token] for i, token in enumerate(written)]
        assert score == pytest.approx(sum(logs))


def test_width_one_is_greedy_and_wider_is_no_worse_here():
    step, starts = language(seed=5), [[a, b] for a in range(1, 4) for b in range(1, 4)]
    tokens, greedy = beam_search(step, starts, STOP, max_length=6, beam_width=1)
    for start, found in zip(starts, tokens[:, 0], strict=True):
        by_hand = list(start)
        while len(by_hand) < 8 and by_hand[-1] != STOP:
            by_hand.append(int(step([by_hand])[0].argmax()))
        assert found.tolist()[: len(by_hand)] == by_hand
        assert (found[len(by_hand) :] == STOP).all()
    _, wide = beam_search(step, starts, STOP, max_length=6, beam_width=20)
    assert (wide[:, 0] >= greedy[:, 0] - 1e-9).all()
    assert (wide[:, 0] > greedy[:, 0] + 1e-3).any()


def test_examples_of_a_batch_do_not_mix():
    step, starts = language(seed=2), [[1, 2], [3, 1], [2, 2]]
    together, scores = beam_search(step, starts, STOP, max_length=5, beam_width=3)
    for i, start in enumerate(starts):
        alone, score = beam_search(step, [start], STOP, max_length=5, beam_width=3)
        np.testing.assert_array_equal(together[i, :, : alone.shape[2]], alone[0])
        np.testing.assert_allclose(scores[i], score[0])


def test_forbidden_tokens_are_not_generated():
    def step(sequences):
        logs = np.tile(np.log([0.2, 0.5, 0.3]), (len(sequences), 1))
        logs[:, 1] = -np.inf
        return logs

    tokens, _ = beam_search(step, [[2]], STOP, max_length=9, beam_width=1)
    assert not (tokens == 1).any()
    assert tokens[0, 0].tolist() == [2] * 10


def test_the_search_ends_when_all_sequences_have():
    calls = []

    def step(sequences):
        calls.append(sequences)
        return np.log([[1.0, 1e-9]]).repeat(len(sequences), 0)

    tokens, scores = beam_search(step, [[1]], STOP, max_length=9, beam_width=1)
    assert tokens.tolist() == [[[1, 0]]]
    assert scores == pytest.approx(0)
    assert len(calls) == 1


@pytest.mark.parametrize("bad", [{"beam_width": 0}, {"max_length": 0}])
def test_says_what_is_wrong(bad):
    with pytest.raises(ValueError, match="at least 1"):
        beam_search(language(), [[1, 2]], STOP, **{"max_length": 3, "beam_width": 2, **bad})
