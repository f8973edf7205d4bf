"""Deep Q-learning: the targets of a batch, from one network or from two.

Slides: 000 «Deep Q Learning (Nature 2015)», 000 «Deep Q Learning (ablación)».
Recipe: dqn.

A network predicts the values of all actions in a state. It is trained on batches of stored
transitions, each with a single action: the loss is that of the action taken. The targets
r + γ max Q'(s', ·) are computed by an older copy of the network, Q', so that they change slowly.

The maximum of estimated values is too large on average. Double Q-learning chooses the action with
the network itself and takes its value from the copy. The gradient of the Huber loss is at most 1 in
absolute value, so outliers have a limited effect. Write both kinds of targets, and the gradient.
"""

import numpy as np

from recipes.common.exercise import check, finish


def chosen(values, actions):
    """The values (batch,) of the actions taken (batch,), from all values (batch, actions)."""
    # Your code: values[np.arange(…), actions], or np.take_along_axis.
    raise NotImplementedError


def targets(rewards, done, next_values, discount):
    """Targets (batch,) from the copy's values (batch, actions) in the next states; done: 0 or 1."""
    # Your code: nothing follows where done is 1.
    raise NotImplementedError


def double_targets(rewards, done, online, copy, discount):
    """The same, with the action chosen by the network's own values `online` (batch, actions)."""
    # Your code: np.argmax of one, value of the other.
    raise NotImplementedError


def huber_gradient(errors):
    """Derivative (n,) of the Huber loss, e² / 2 up to |e| = 1 and |e| − ½ beyond."""
    # Your code: np.clip.
    raise NotImplementedError


def mean_target(rng, double, count=20_000):
    """Mean target of a reward of 1, then five actions of value 0, estimated with deviation 1."""
    online, copy = rng.normal(size=(2, count, 5))
    rewards, done = np.ones(count), np.zeros(count)
    if double:
        return np.mean(double_targets(rewards, done, online, copy, 1.0))
    return np.mean(targets(rewards, done, copy, 1.0))


def main():
    online = np.array([[1.0, 9.0, 2.0], [4.0, 0.0, 3.0]])
    copy = np.array([[5.0, 3.0, 4.0], [1.0, 7.0, 2.0]])
    rewards, done = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    goes_on = np.zeros(2)
    return [
        check("values of actions 2 and 0", lambda: chosen(online, np.array([2, 0])), [2, 4]),
        check("targets", lambda: targets(rewards, done, copy, 0.9), [5.5, 2]),
        check("targets, nothing ends", lambda: targets(rewards, goes_on, copy, 0.9), [5.5, 8.3]),
        check("double", lambda: double_targets(rewards, done, online, copy, 0.9), [3.7, 2]),
        check(
            "double, nothing ends",
            lambda: double_targets(rewards, goes_on, online, copy, 0.9),
            [3.7, 2.9],
        ),
        check(
            "Huber at −3, −½, 0, 2",
            lambda: huber_gradient(np.array([-3, -0.5, 0, 2])),
            [-1, -0.5, 0, 1],
        ),
        # The mean of the largest of five standard normal numbers is 1.163.
        check("true value 1", lambda: mean_target(np.random.default_rng(0), False), 2.163, 0.03),
        check("true value 1, double", lambda: mean_target(np.random.default_rng(0), True), 1, 0.03),
    ]


if __name__ == "__main__":
    finish(main())
