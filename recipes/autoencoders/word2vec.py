"""word2vec on Spanish sentences: skip-gram with negative sampling, rey − hombre + mujer ≈ reina.

Slides: 000 «word2vec», 001 «Autoencoders y sparse data» (word2vec).
Paper:  Mikolov et al. (2013), https://arxiv.org/abs/1310.4546 (skip-gram, negative sampling);
        Levy & Goldberg (2014), https://papers.nips.cc/paper/5477 (word2vec as the factorization of
        a matrix of counts: the baseline)
Departs from Mikolov et al.: many epochs on 0.6 million words, instead of one on 10⁹ words; a window
of two words, as sentences are short; AdamW, and batches sampled from all pairs.

Deck 000 dates it to the 2000s, but it is from 2013; deck 001 calls it an autoencoder, but its
target is not its own input.

Metrics: `accuracy`, how often the true context word in a held-out sentence scores above five
negative samples; `analogy_accuracy`, how often d is the word nearest to b − a + c, and
`analogy_top5`, how often it is among the five nearest; `family_accuracy`, how often a word's
nearest neighbor among the words of all families belongs to its own family.
"""

import collections
import itertools
import re

import keras
import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from scipy.sparse import coo_matrix
from sklearn.utils.extmath import randomized_svd

import recipes.datasets.spa_eng  # noqa: F401
from recipes.common.arrays import to_numpy

EPOCHS = 30
OBJECTIVE = ("val_accuracy", "max")
# Analogies that good word vectors solve; written before any network was tested. Two pairs of a
# relation make a question: rey is to reina as hombre is to …
ANALOGIES = {
    "he, she": (
        "rey reina, hombre mujer, niño niña, hermano hermana, padre madre, tío tía, actor "
        "actriz, él ella, príncipe princesa, esposo esposa"
    ),
    "-o, -a": (
        "bueno buena, malo mala, pequeño pequeña, rojo roja, viejo vieja, blanco blanca, "
        "cansado cansada, ocupado ocupada, enfermo enferma, alto alta, nuevo nueva, solo "
        "sola"
    ),
    "one, many": (
        "libro libros, perro perros, amigo amigos, hora horas, año años, casa casas, coche "
        "coches, gato gatos, flor flores, árbol árboles, ojo ojos, niño niños"
    ),
    "to eat, eats": (
        "comer come, hablar habla, vivir vive, beber bebe, trabajar trabaja, escribir "
        "escribe, jugar juega, dormir duerme, ir va, hacer hace, estudiar estudia, dar da"
    ),
    "eats, was eating": (
        "come comía, trabaja trabajaba, habla hablaba, es era, está estaba, tiene tenía, "
        "quiere quería, sabe sabía, hace hacía, puede podía"
    ),
    "eats, ate": (
        "come comió, hace hizo, viene vino, pone puso, pierde perdió, escribe escribió, "
        "abre abrió, pregunta preguntó, toma tomó, está estuvo"
    ),
    "I, he": (
        "tengo tiene, quiero quiere, sé sabe, hago hace, voy va, soy es, estoy está, puedo "
        "puede, vivo vive, vengo viene"
    ),
}
# Words with similar meanings: the nearest neighbor of perro should be another animal.
FAMILIES = {
    "animals": "perro gato caballo vaca pájaro león elefante mono oso pez",
    "relatives": "padre madre hermano hermana tío tía abuelo abuela hijo hija",
    "food": "pan queso carne arroz pescado huevos sopa manzana",
    "drinks": "agua leche café té cerveza vino",
    "body": "ojos manos cabeza pelo nariz brazo pierna boca",
    "clothes": "camisa zapatos sombrero vestido abrigo falda",
    "rooms": "cocina habitación baño dormitorio sala jardín",
    "vehicles": "coche tren autobús avión barco bicicleta taxi",
    "professions": "médico abogado profesor policía escritor enfermera cantante",
    "countries": "francia alemania españa italia japón china",
    "languages": "inglés francés español alemán japonés chino",
    "colors": "rojo azul verde negro blanco amarillo",
    "numbers": "dos tres cuatro cinco seis siete ocho nueve",
    "days": "lunes martes miércoles jueves viernes sábado domingo",
    "months": "enero marzo abril mayo julio agosto octubre diciembre",
}
ROUNDS = 4  # of sampling pairs from the training text; an epoch has as many pairs as one round


def read_sentences(split):
    """The different sentences of a split as tuples of lower-case words."""
    data = tfds.load("spa_eng", split=split).map(lambda pair: pair["spanish"]).batch(1000)
    sentences = {}  # the keys serve as an ordered set
    for batch in data.as_numpy_iterator():
        for line in batch:
            words = tuple(re.findall("[a-záéíóúüñ]+", line.decode().lower()))
            sentences[words] = None
    return list(sentences)


def load_corpus(min_count=5):
    """The text as integers. Sentences of the training set are removed from the other splits.

    Args:
        min_count: words with fewer occurrences in the training set are left out.

    Returns:
        The vocabulary, the most frequent word first; the counts of its words in the training set;
        and `{split: integers (2, words)}`, the index of each word and of its sentence.
    """
    sentences = {split: read_sentences(split) for split in ("train", "validation", "test")}
    known = set(sentences["train"])
    for split in ("validation", "test"):
        sentences[split] = [words for words in sentences[split] if words not in known]

    counts = collections.Counter(itertools.chain.from_iterable(sentences["train"]))
    vocabulary = [word for word, count in counts.most_common() if count >= min_count]
    index = {word: number for number, word in enumerate(vocabulary)}
    texts = {}
    for split in sentences:
        word_ids, sentence_ids = [], []
        for number, words in enumerate(sentences[split]):
            for word in words:
                if word in index:
                    word_ids.append(index[word])
                    sentence_ids.append(number)
        texts[split] = np.array([word_ids, sentence_ids], dtype="int64")
    return vocabulary, np.array([counts[word] for word in vocabulary]), texts


def skip_grams(words, sentences, window=2, keep=None, seed=0):
    """All pairs of a target word and a context word of the same sentence.

    The size of each target word's window is sampled from 1 to `window`, so that nearer words occur
    in more pairs. Dropped words leave no gap: distances are those in the remaining text.

    Args:
        words: integers `(n,)`, the words of the text in order.
        sentences: integers `(n,)`, the sentence of each.
        window: the largest distance.
        keep: floats `(vocabulary,)`, the probability of keeping a word; by default all are kept.
        seed: of the sampling.

    Returns:
        int32 `(pairs, 2)`.
    """
    rng = np.random.default_rng(seed)
    if keep is not None:
        kept = rng.random(len(words)) < keep[words]
        words, sentences = words[kept], sentences[kept]
    windows = rng.integers(1, window + 1, len(words))
    pairs = [np.empty((0, 2))]
    for distance in range(1, min(window, len(words) - 1) + 1):
        left, right = words[:-distance], words[distance:]
        same_sentence = sentences[:-distance] == sentences[distance:]
        from_left = same_sentence & (windows[:-distance] >= distance)
        from_right = same_sentence & (windows[distance:] >= distance)
        pairs.append(np.stack([left, right], axis=1)[from_left])
        pairs.append(np.stack([right, left], axis=1)[from_right])
    return np.concatenate(pairs).astype("int32")


def sample_pairs(text, counts, window=2, subsampling=1e-3, rounds=1):
    """Pairs (n, 2) of target and context words, from several rounds of sampling.

    Frequent words are dropped at random, anew in each round: a word of frequency f is kept with
    probability √(subsampling / f).
    """
    keep = np.sqrt(subsampling * counts.sum() / counts)
    words, sentences = text
    pairs = [skip_grams(words, sentences, window, keep, seed) for seed in range(rounds)]
    return np.concatenate(pairs)


def unigram_table(counts):
    """About a million words to draw negative samples from, each in proportion to frequency^¾."""
    shares = counts**0.75 / np.sum(counts**0.75)
    return np.repeat(np.arange(len(counts)), np.ceil(1e6 * shares).astype(int))


def load_data(batch_size=2048, window=2, subsampling=1e-3, negatives=5):
    """Training, validation and test batches of a target word and context words.

    Inputs are `target` (batch,) and `contexts` (batch, negatives + 1): negative samples and, last,
    the true context word; labels (batch, negatives + 1) are 0, …, 0, 1.
    """
    _, counts, texts = load_corpus()
    table = unigram_table(counts)
    label = np.eye(negatives + 1, dtype="float32")[-1]

    # Training pairs and negative samples are sampled anew for each batch, by stateless operations
    # with seeds that continue across epochs: a resumed run continues with the same ones.
    pairs = tf.constant(sample_pairs(texts["train"], counts, window, subsampling, ROUNDS))
    noise = tf.constant(table, "int32")

    def sample_batch(seed):
        shape = (batch_size, negatives)
        rows = tf.random.stateless_uniform((batch_size,), seed, 0, len(pairs), tf.int32)
        places = tf.random.stateless_uniform(shape, seed + 1, 0, len(noise), tf.int32)
        true = tf.gather(pairs, rows)  # (batch, 2)
        contexts = tf.concat([tf.gather(noise, places), true[:, 1:]], axis=1)
        return {"target": true[:, 0], "contexts": contexts}, tf.tile(label[None], (batch_size, 1))

    seeds = tf.data.Dataset.random(rerandomize_each_iteration=True).batch(2)
    batches = max(1, len(pairs) // ROUNDS // batch_size)
    train = seeds.take(batches).map(sample_batch).prefetch(2)

    def held_out(split):
        true = sample_pairs(texts[split], counts, window, subsampling)
        negative = np.random.default_rng(0).choice(table, (len(true), negatives))
        contexts = np.concatenate([negative, true[:, 1:]], axis=1).astype("int32")
        inputs = {"target": true[:, 0], "contexts": contexts}
        labels = np.tile(label, (len(true), 1))
        return tf.data.Dataset.from_tensor_slices((inputs, labels)).batch(8192)

    return train, held_out("validation"), held_out("test")


@keras.saving.register_keras_serializable(package="word2vec")
def accuracy(labels, logits):
    """Whether the true context word, the last one, has the greatest logit: (batch,)."""
    return keras.ops.all(logits[:, -1:] > logits[:, :-1], axis=1)


@keras.saving.register_keras_serializable(package="word2vec")
class SkipGram(keras.Model):
    """Target words (batch,) and context words (batch, n) to logits (batch, n) of their pairs."""

    def __init__(self, vocabulary, embed_dim=100, **kwargs):
        super().__init__(**kwargs)
        self.vocabulary = tuple(vocabulary)
        self.embed_dim = embed_dim
        size = len(self.vocabulary)
        self.targets = keras.layers.Embedding(size, embed_dim, name="targets")
        self.contexts = keras.layers.Embedding(size, embed_dim, name="contexts")
        # Built here, as no weight depends on the shape of the inputs.
        self.targets.build()
        self.contexts.build()
        self.built = True

    def call(self, inputs):
        target = self.targets(inputs["target"])  # (batch, embed_dim)
        contexts = self.contexts(inputs["contexts"])  # (batch, n, embed_dim)
        return keras.ops.einsum("bd,bnd->bn", target, contexts)

    def evaluate(self, *args, return_dict=False, **kwargs):
        """Keras' scores; in a dictionary also the scores of the word vectors."""
        scores = super().evaluate(*args, return_dict=return_dict, **kwargs)
        if return_dict:
            vectors = self.targets.get_weights()[0]
            scores |= vector_scores(vectors, self.vocabulary, ANALOGIES, FAMILIES)
        return scores

    def get_config(self):
        own = {"vocabulary": list(self.vocabulary), "embed_dim": self.embed_dim}
        return {**super().get_config(), **own}


def build_model(embed_dim=100, learning_rate=0.005, weight_decay=0.3, steps=EPOCHS * 373):
    """The compiled network, for the vocabulary of the corpus.

    Without weight decay, the vectors of words that never occur together drift apart.
    """
    vocabulary, _, _ = load_corpus()
    model = SkipGram(vocabulary, embed_dim)
    schedule = keras.optimizers.schedules.PolynomialDecay(learning_rate, steps, 0.0)
    model.compile(
        keras.optimizers.AdamW(schedule, weight_decay),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[accuracy],
    )
    return model


def search_space(hp):
    """Arguments of `build_model` worth tuning; the defaults are the recipe's own."""
    return {
        "embed_dim": hp.Choice("embed_dim", [50, 100, 200, 300], default=100),
        "learning_rate": hp.Choice("learning_rate", [0.002, 0.005, 0.01], default=0.005),
        "weight_decay": hp.Choice("weight_decay", [0.0, 0.1, 0.3, 1.0], default=0.3),
    }


def normalize(vectors):
    """Vectors (n, embed_dim), scaled to norm 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def cosine_similarity(queries, vectors):
    """Cosines between queries (n, embed_dim) and all vectors (words, embed_dim): (n, words)."""
    return normalize(queries) @ normalize(vectors).T


def analogy_ranks(vectors, questions):
    """Rank of the correct answer d to "a is to b as c is to …" by its similarity to b − a + c.

    The vectors in the sum have norm 1; a, b and c are excluded from the candidates.

    Args:
        vectors: `(words, embed_dim)`.
        questions: integers `(n, 4)`, the words a, b, c and d.

    Returns:
        Integers `(n,)`, 0 if no other word is nearer.

    Reference: Mikolov, Yih & Zweig (2013), https://aclanthology.org/N13-1090
    """
    questions = np.asarray(questions, int).reshape(-1, 4)
    vectors = normalize(vectors)
    a, b, c, d = questions.T
    similarities = cosine_similarity(vectors[b] - vectors[a] + vectors[c], vectors)
    np.put_along_axis(similarities, questions[:, :3], -np.inf, axis=1)
    of_answer = np.take_along_axis(similarities, d[:, None], axis=1)
    return np.sum(similarities > of_answer, axis=1)


def vector_scores(vectors, vocabulary, analogies, families):
    """Accuracy of word vectors on analogies and families of words. Unknown words are left out.

    Args:
        vectors: `(words, embed_dim)`.
        vocabulary: the word of each vector.
        analogies: `{relation: "rey reina, hombre mujer"}`, pairs of words: any two pairs make a
            question, a is to b as c is to d.
        families: `{family: "perro gato vaca"}`, words.

    Returns:
        `analogy_accuracy`, `analogy_top5` and `family_accuracy`; 0 where there are no questions.
    """
    vectors = np.asarray(vectors)
    index = {word: number for number, word in enumerate(vocabulary)}

    questions = []
    for listed in analogies.values():
        pairs = [pair.split() for pair in listed.split(", ")]
        known = [(index[a], index[b]) for a, b in pairs if a in index and b in index]
        for first, second in itertools.permutations(known, 2):
            questions.append([*first, *second])
    ranks = analogy_ranks(vectors, questions)

    members, names = [], []
    for name, listed in families.items():
        for word in listed.split():
            if word in index:
                members.append(index[word])
                names.append(name)
    members, names = np.array(members, int), np.array(names)
    similarities = cosine_similarity(vectors[members], vectors[members])
    np.fill_diagonal(similarities, -np.inf)
    same = []
    if len(members):
        same = names[similarities.argmax(1)] == names

    return {
        "analogy_accuracy": mean_or_zero(ranks < 1),
        "analogy_top5": mean_or_zero(ranks < 5),
        "family_accuracy": mean_or_zero(same),
    }


def mean_or_zero(values):
    return float(np.mean(values)) if len(values) else 0.0


def ppmi_svd(embed_dim=100, smoothing=0.75):
    """Word vectors from the singular value decomposition of positive pointwise mutual information.

    PPMI is the logarithm of the ratio of two words' co-occurrences to those expected by chance, or
    0 if it is negative.

    Args:
        embed_dim: number of largest singular values to keep.
        smoothing: exponent of the counts of context words.

    Returns:
        The vocabulary, the vectors of target words and those of context words.
    """
    vocabulary, counts, texts = load_corpus()
    pairs = sample_pairs(texts["train"], counts, rounds=ROUNDS)
    size = len(vocabulary)
    # Converting to rows adds up equal pairs; converting back yields each entry's row and column.
    matrix = coo_matrix((np.ones(len(pairs)), pairs.T), (size, size)).tocsr().tocoo()
    rows = matrix.sum(1).A1
    columns = matrix.sum(0).A1 ** smoothing
    expected = rows[matrix.row] * columns[matrix.col] / columns.sum()
    matrix.data = np.maximum(np.log(matrix.data / expected), 0)
    left, values, right = randomized_svd(matrix.tocsr(), embed_dim, random_state=0)
    return vocabulary, left * np.sqrt(values), right.T * np.sqrt(values)


def baseline(train, test):
    """PPMI with SVD."""
    vocabulary, targets, contexts = ppmi_svd()
    inputs, labels = to_numpy(test)
    logits = np.einsum("bd,bnd->bn", targets[inputs["target"]], contexts[inputs["contexts"]])
    scores = vector_scores(targets, vocabulary, ANALOGIES, FAMILIES)
    return {"accuracy": np.mean(accuracy(labels, logits)), **scores}


def main():
    keras.utils.set_random_seed(0)
    train, validation, test = load_data()
    model = build_model(steps=EPOCHS * len(train))
    best = keras.callbacks.ModelCheckpoint(
        "word2vec.keras", monitor="val_accuracy", mode="max", save_best_only=True
    )
    model.fit(train, validation_data=validation, epochs=EPOCHS, shuffle=False, callbacks=[best])
    model = keras.saving.load_model("word2vec.keras")  # the best epoch
    print(model.evaluate(test, return_dict=True), "baseline:", baseline(train, test))


if __name__ == "__main__":
    main()
