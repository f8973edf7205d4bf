"""The pictures of ensembles: members beside their mean, number of members, out-of-bag errors."""

import matplotlib.pyplot as plt
import numpy as np

from recipes.common.arrays import to_numpy
from recipes.training import ensembles

COLORS = {"same": "#0072B2", "different": "#009E73", "bagging": "#D55E00"}
TITLES = {
    "same": "same network, other weights",
    "different": "different networks",
    "bagging": "bagging",
}


def out_of_bag(members, counts, labels):
    """Out-of-bag error: only members that were not trained on an image vote on it.

    Args:
        members: Class probabilities (images, members, classes).
        counts: How often each image is in each member's bootstrap sample, (images, members).
        labels: Integers (images,).

    Returns:
        The error rate on the images with at least one vote, and the mean number of votes on an
        image.
    """
    unseen = counts == 0
    votes = np.sum(members * unseen[:, :, None], axis=1)  # (images, classes)
    wrong = votes.argmax(axis=-1) != labels
    has_votes = unseen.any(axis=1)
    return wrong[has_votes].mean(), unseen.sum(axis=1)[has_votes].mean()


def member_errors(members, labels):
    """Error rate of each member.

    Args:
        members: Class probabilities (images, members, classes).
        labels: Integers (images,).
    """
    return np.mean(members.argmax(axis=-1) != labels[:, None], axis=0)


def errors_by_size(members, labels, repeats=20, seed=0):
    """Error rate of the mean of 1, 2, … members in random order: (sizes, repeats).

    Args:
        members: Class probabilities (images, members, classes).
        labels: Integers (images,).
        repeats: Number of random orders.
        seed: Of these orders.
    """
    rng = np.random.default_rng(seed)
    count = members.shape[1]
    errors = np.empty((count, repeats))
    for repeat in range(repeats):
        order = rng.permutation(count)
        sums = np.cumsum(members[:, order], axis=1)  # of the first 1, 2, … members
        errors[:, repeat] = member_errors(sums, labels)
    return errors


def ensemble_error(members, labels):
    """Error rate of the mean of all members.

    Args:
        members: Class probabilities (images, members, classes).
        labels: Integers (images,).
    """
    return np.mean(members.mean(axis=1).argmax(axis=-1) != labels)


def plot_members(axis, members, labels):
    """Errors of each member, their mean, and the error of the ensemble, a row per variant.

    Args:
        axis: Where to draw.
        members: `{variant: class probabilities (images, members, classes)}`.
        labels: Integers (images,).
    """
    star = {"color": "#E69F00", "markeredgecolor": "k", "markersize": 18}
    for row, (name, probabilities) in enumerate(members.items()):
        # A dot for each member.
        single = 100 * member_errors(probabilities, labels)
        rows = np.full(len(single), row)
        axis.plot(single, rows, "o", color=COLORS[name], alpha=0.6, markersize=9)

        # Their mean, and the ensemble; only those of the first row are in the legend.
        mean_label = "members' mean error" if row == 0 else None
        star_label = "ensemble" if row == 0 else None
        axis.plot(single.mean(), row, "k|", markersize=22, markeredgewidth=2, label=mean_label)
        ensemble = 100 * ensemble_error(probabilities, labels)
        axis.plot(ensemble, row, "*", label=star_label, **star)
        axis.text(ensemble, row - 0.27, f"{ensemble:.1f} %", ha="center")
    axis.set_yticks(range(len(members)), [TITLES[name] for name in members])
    axis.set(xlabel="errors on test images, %", ylim=(len(members) - 0.5, -0.6))
    axis.legend(loc="lower right", markerscale=0.6)
    axis.set_title("The ensemble (star) errs less than its members (dots) on average")


def plot_sizes(axis, members, labels, out_of_bag_error, voters):
    """Errors against the number of members averaged, and the out-of-bag error of bagging.

    Args:
        axis: Where to draw.
        members: `{variant: class probabilities (images, members, classes)}`.
        labels: Integers (images,).
        out_of_bag_error, voters: As returned by `out_of_bag`.
    """
    # For each variant the mean over random orders, and the range.
    for name, probabilities in members.items():
        errors = 100 * errors_by_size(probabilities, labels)  # (sizes, repeats)
        sizes = np.arange(1, len(errors) + 1)
        axis.plot(sizes, errors.mean(axis=1), "o-", color=COLORS[name], label=TITLES[name])
        low, high = errors.min(axis=1), errors.max(axis=1)
        axis.fill_between(sizes, low, high, color=COLORS[name], alpha=0.12)

    # The out-of-bag error, at the mean number of votes.
    cross = {"color": COLORS["bagging"], "markeredgecolor": "k", "markersize": 12}
    label = f"bagging, out-of-bag error on training images\n({voters:.1f} members vote on each)"
    axis.plot(voters, 100 * out_of_bag_error, "X", label=label, **cross)
    axis.set(xlabel="members", ylabel="errors on test images, %", xticks=sizes)
    axis.set_title("The first few members help most, then the curve flattens")
    axis.legend()
    axis.grid(True)


def predict_members(model, images):
    """Class probabilities of each member: (images, members, classes)."""
    return model.predict(images, batch_size=1000, verbose=0)["members"]


def figures(models, test, histories):
    """Errors of members and ensembles, errors by number of members, and the out-of-bag error."""
    images, targets = to_numpy(test)
    labels = targets["ensemble"]
    members = {name: predict_members(model, images) for name, model in models.items()}

    # Members and ensembles on the test images.
    together, axis = plt.subplots(figsize=(8, 4.2), layout="constrained")
    plot_members(axis, members, labels)

    # The out-of-bag error on the training images: a member's weight of an image is how often the
    # image is in its bootstrap sample.
    train, _, _ = ensembles.load_data(kind="bagging")
    images, targets, weights = to_numpy(train)
    votes = predict_members(models["bagging"], images)
    error, voters = out_of_bag(votes, weights["members"], targets["ensemble"])

    # Errors by number of members.
    size, axis = plt.subplots(figsize=(8, 4.4), layout="constrained")
    plot_sizes(axis, members, labels, error, voters)
    return {"together": together, "size": size}
