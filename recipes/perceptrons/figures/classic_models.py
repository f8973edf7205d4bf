"""The pictures of classic_models: decision boundaries, accuracies, and too many or few numbers."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from recipes.common import plots
from recipes.common.arrays import to_numpy
from recipes.perceptrons import classic_models as recipe

PROBLEMS = {
    "income": "Expensive, by income and rooms?",
    "map": "Expensive, by longitude and latitude?",
    "photos": "A dog, by 3,072 pixel values?",
}
NETWORKS = {
    "logistic": "logistic regression",
    "linear_svm": "linear SVM",
    "mlp": "MLP",
    "cnn": "CNN",
}
AXES = {
    "income": ("log of the median income", "log of the rooms in a home"),
    "map": ("longitude", "latitude"),
}
POINTS = 1000  # drawn
NOISE = (0, 1, 2, 4, 8, 16, 32)  # numbers that say nothing
COMPONENTS = (2, 8, 32, 128)


def figures(models, test, histories):
    """Boundaries and accuracies of all models, and what more or fewer numbers do to them."""
    scored = {}
    for problem in PROBLEMS:
        networks = {}
        for name, model in models.items():
            if recipe.VARIANTS[name]["problem"] == problem:
                networks[recipe.VARIANTS[name]["network"]] = model
        if networks:
            scored[problem] = fit_and_score(problem, networks)
    drawn = {"accuracies": plot_accuracies(scored)}
    plane = {problem: found for problem, found in scored.items() if problem != "photos"}
    if plane:
        drawn["boundaries"] = plot_boundaries(plane)
    if "photos" in scored:
        drawn["dimensions"] = plot_dimensions(scored["photos"])
    return drawn


def fit_and_score(problem, networks):
    """`{name of a model: (score function, threshold, test accuracy)}` for a problem.

    Args:
        problem: As in `load_data`.
        networks: Trained networks, by their kind.
    """
    train, _, test = recipe.load_data(problem)
    found = {}
    for kind, network in networks.items():
        accuracy = network.evaluate(test, verbose=0, return_dict=True)["accuracy"]
        threshold = 0.0 if kind == "linear_svm" else 0.5

        def score(inputs, network=network):
            return np.asarray(network(inputs))[:, 0]

        found[NETWORKS[kind]] = score, threshold, accuracy
    inputs, labels = recipe.flat(train)
    for name, model in classic_models(inputs).items():
        model.fit(inputs, labels)

        def score(inputs, model=model):
            return model.predict_proba(inputs)[:, 1]

        found[name] = score, 0.5, model.score(*recipe.flat(test))
    return found


def classic_models(inputs):
    """scikit-learn's models, not fitted, for inputs (examples, numbers)."""
    return {
        f"{recipe.NEIGHBORS} nearest neighbors": KNeighborsClassifier(recipe.NEIGHBORS),
        "gradient boosting": recipe.boosting(inputs.shape[1]),
    }


def lead(accuracies):
    """The best model, and what it is ahead of logistic regression: "CNN, +9.6 points"."""
    best = max(accuracies, key=accuracies.get)
    first = accuracies.get("logistic regression", accuracies[best])
    return f"{best}, {100 * (accuracies[best] - first):+.1f} points"


def plot_accuracies(scored):
    """Plot the test accuracies of all models, a panel for each problem, the best on top."""
    figure, axes = plt.subplots(
        1, len(scored), figsize=(4.2 * len(scored), 3), squeeze=False, layout="constrained"
    )
    for axis, (problem, models) in zip(axes[0], scored.items(), strict=True):
        accuracies = {name: accuracy for name, (_, _, accuracy) in models.items()}
        names = sorted(accuracies, key=accuracies.get)
        is_network = [name in NETWORKS.values() for name in names]
        colors = [plots.CLASS_COLORS[number] for number in is_network]
        axis.barh(names, [accuracies[name] for name in names], color=colors)
        for row, name in enumerate(names):
            percent = f" {accuracies[name]:.1%}".replace("%", " %")
            axis.text(accuracies[name], row, percent, va="center")
        axis.set(xlim=(0.5, 1), xlabel="test accuracy")
        axis.set_title(f"{PROBLEMS[problem]}\n{lead(accuracies)}")
    figure.suptitle("What the best model adds to a straight line (networks in orange)")
    return figure


def plot_boundaries(scored):
    """Plot what each model says in the plane of two numbers, a row for each problem."""
    most = max(map(len, scored.values()))
    figure, axes = plt.subplots(
        len(scored),
        most,
        figsize=(3 * most, 3.2 * len(scored)),
        squeeze=False,
        layout="constrained",
    )
    for row, (problem, models) in zip(axes, scored.items(), strict=True):
        _, _, test = recipe.load_data(problem)
        points, labels = to_numpy(test)
        # The plane without the outermost points.
        low, high = np.quantile(points, [0.005, 0.995], axis=0)
        x, y = np.stack([low, high], axis=1)
        for axis in row[len(models) :]:
            axis.set_axis_off()
        for axis, (name, (score, threshold, accuracy)) in zip(row, models.items(), strict=False):
            plots.decision_boundary(axis, score, x, y, threshold)
            plots.class_points(axis, points[:POINTS], labels[:POINTS], s=3)
            axis.set_title(f"{name}: {accuracy:.1%}".replace("%", " %"), fontsize=11)
            axis.set(xticks=[], yticks=[], xlabel=AXES[problem][0])
        row[0].set_ylabel(AXES[problem][1])
    figure.suptitle("Expensive (orange) or not (blue): what each model says, and test accuracy")
    return figure


def with_noise(inputs, count, seed):
    """Inputs (examples, numbers) with `count` more columns of standard normal numbers."""
    noise = np.random.default_rng(seed).normal(size=(len(inputs), count))
    return np.concatenate([inputs, noise.astype("float32")], axis=1)


def accuracies_with_noise(train, test, counts=NOISE):
    """Test accuracies with columns of noise: `{name: [for each of the counts]}`.

    Args:
        train, test: Inputs (examples, numbers) and labels (examples,).
        counts: Numbers of columns.
    """
    found = {}
    for count in counts:
        inputs = with_noise(train[0], count, seed=1)
        linear = make_pipeline(StandardScaler(), LogisticRegression())
        for name, model in {**classic_models(inputs), "logistic regression": linear}.items():
            model.fit(inputs, train[1])
            accuracy = model.score(with_noise(test[0], count, seed=2), test[1])
            found.setdefault(name, []).append(accuracy)
    return found


def accuracies_of_components(train, test, counts=COMPONENTS):
    """Test accuracies on the first principal components: `{name: [for each of the counts]}`.

    Args:
        train, test: Inputs (examples, numbers) and labels (examples,).
        counts: Numbers of components.
    """
    found = {}
    pca = PCA(max(counts), random_state=0).fit(train[0])
    for count in counts:
        inputs = pca.transform(train[0])[:, :count]
        for name, model in classic_models(inputs).items():
            model.fit(inputs, train[1])
            accuracy = model.score(pca.transform(test[0])[:, :count], test[1])
            found.setdefault(name, []).append(accuracy)
    return found


def plot_dimensions(photos):
    """Plot accuracies by columns of noise beside the map, and by components of the photographs."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    train, _, test = recipe.load_data("map")
    noisy = accuracies_with_noise(recipe.flat(train), recipe.flat(test), NOISE)
    for name, accuracies in noisy.items():
        left.plot(NOISE, accuracies, "o-", label=name)
    lost = [f"{100 * (each[0] - each[-1]):.0f}" for each in list(noisy.values())[:2]]
    left.set_title(
        f"{NOISE[-1]} numbers of noise cost nearest neighbors\n"
        f"{lost[0]} points, gradient boosting {lost[1]}"
    )
    left.set(xlabel="columns of noise beside longitude and latitude", ylabel="test accuracy")
    left.legend()

    train, _, test = recipe.load_data("photos")
    of_components = accuracies_of_components(recipe.flat(train), recipe.flat(test), COMPONENTS)
    for name, accuracies in of_components.items():
        right.semilogx(COMPONENTS, accuracies, "o-", base=2, label=name)
    for kind in ("logistic regression", "CNN"):
        if kind in photos:
            accuracy = photos[kind][2]
            right.axhline(accuracy, color="black", linestyle="--" if kind == "CNN" else ":")
            right.text(COMPONENTS[0], accuracy, f"{kind}, all pixels", va="bottom")
    best = max(max(accuracies) for accuracies in of_components.values())
    right.set_title(f"Reduced to principal components: at most {best:.1%}".replace("%", " %"))
    right.set(xlabel="principal components of the pixels", ylabel="test accuracy")
    right.set_xticks(COMPONENTS, COMPONENTS)
    right.legend(loc="lower right")
    return figure
