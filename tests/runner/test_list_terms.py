"""Each term of the field that one might type finds a recipe using it, or says what is planned."""

import pytest

from recipes._runner import list_command
from recipes._runner.recipe import all_recipes
from recipes._runner.vocabulary import stem

# A term, and one of the recipes that it has to find.
TERMS = {
    "padding": "imdb_transformer",
    "masking": "attention_by_hand",
    "mode": "gan_toy",
    "cluster": "autoencoder_mnist",
    "data augmentation": "cnn_cifar10",
    "warmup": "cnn_mnist",
    "learning-rate schedule": "cnn_mnist",
    "normalization": "cnn_mnist",
    "batch normalization": "cnn_mnist",
    "layer normalization": "gpt",
    "residual connection": "two_apis",
    "skip connection": "two_apis",
    "PCA": "autoencoder_mnist",
    "SVD": "word2vec",
    "interpolation": "vae",
    "FID": "gan_mnist",
    "perplexity": "gpt",
    "seq2seq": "transformer_translation",
    "machine translation": "transformer_translation",
    "negative sampling": "word2vec",
    "tokenizer": "transformer_translation",
    "embedding": "word2vec",
    "autoregressive": "gpt",
    "self-attention": "imdb_transformer",
    "cross-attention": "transformer_translation",
    "causal mask": "gpt",
    "class token": "vit",
    "attention map": "attention_by_hand",
    "heatmap": "attention_by_hand",
    "computational graph": "backprop_by_hand",
    "automatic differentiation": "backprop_by_hand",
    "minimax": "gan_toy",
    "bottleneck": "autoencoder_8_3_8",
    "label smoothing": "head_multiclass",
    "early stopping": "regularization",
    "weight decay": "regularization",
    "multi-label": "head_multilabel",
    "remaining useful life": "head_unit_interval",
    "forecasting": "electricity",
    "time series": "electricity",
    "sentiment analysis": "sentiment_lstm",
    "language model": "gpt",
    "n-gram": "gpt",
    "temperature": "char_rnn",
    "beam search": "transformer_translation",
    "teacher forcing": "transformer_translation",
    "pruning": "search_comparison",
    "ensemble": "ensembles",
    "bagging": "ensembles",
    "hyperparameter search": "search_comparison",
    "Bayesian optimization": "gaussian_process_search",
    "Gaussian process": "gaussian_process_search",
    "Hyperband": "search_comparison",
    "convolución": "convolution_by_hand",
    "agrupamiento": "pooling",
    "capas de salida": "head_multiclass",
    "función de activación": "irnn",
    "sobreaprendizaje": "regularization",
    "regularización": "regularization",
    "red recurrente": "rnn_by_hand",
    "atención": "attention_by_hand",
    "perceptrón": "perceptron_rule",
    "autocodificador": "autoencoder_mnist",
    "optimizador": "optimizers",
    "inicialización": "initialization",
    "class weights": "imbalanced",
    "imbalanced": "imbalanced",
    "transfer learning": "transfer_learning",
    "fine-tuning": "transfer_learning",
    "feature extraction": "transfer_learning",
    "quantization": "quantization",
    "poda": "weight_compression",
    "segmentation": "unet",
    "video": "conv3d_clips",
    "redes de Hopfield": "hopfield",
    "anomaly detection": "anomaly_detection",
    "outlier": "anomaly_detection",
    "detección de anomalías": "anomaly_detection",
    # forms of a word, stop words, a question
    "redes recurrentes": "rnn_by_hand",
    "los optimizadores": "optimizers",
    "regularizing": "regularization",
    "how do I train a CNN on images": "cnn_mnist",
}
# Terms that find nothing yet, and what is planned.
PLANNED = {
    "RLHF": "rlhf",
    "semantic hashing": "semantic_hashing",
}
BEST = {
    "dropout": "dropout",
    "bagging": "ensembles",
    "LSTM": "lstm",
    "optimizador": "optimizers",
    "word2vec": "word2vec",
    "XOR": "xor",
    "inicialización": "initialization",
    "imbalanced": "imbalanced",
    "beam search": "transformer_translation",
    "detección de anomalías": "anomaly_detection",
}
ACCENTS = str.maketrans("áéíóúñ", "aeioun")


def found(question):
    return [recipe.name for recipe in list_command.search(question, all_recipes())]


def spellings(term):
    return {term, term.translate(ACCENTS), term.upper(), term.replace("-", " ")}


@pytest.mark.parametrize(("term", "name"), TERMS.items())
def test_term_finds_a_recipe(term, name):
    for spelled in spellings(term):
        assert name in found(spelled), spelled


@pytest.mark.parametrize(("term", "name"), PLANNED.items())
def test_term_of_which_there_is_no_recipe_yet_says_what_is_planned(term, name):
    for spelled in spellings(term):
        assert not found(spelled), f"{spelled} belongs into TERMS now"
        assert name in list_command.search_planned(spelled), spelled


@pytest.mark.parametrize(("term", "name"), BEST.items())
def test_best_match_is_first(term, name):
    assert found(term)[0] == name


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("segmentation", "attention_by_hand"),
        ("video", "sentiment_lstm"),
        ("regression", "mlp_mnist"),  # logistic regression as a baseline
        ("remaining useful life", "perceptron_rule"),
        ("transfer learning", "gpt"),
    ],
)
def test_term_does_not_mislead(term, name):
    assert name not in found(term)


@pytest.mark.parametrize("word", ["segmentation", "zzz", "tabel", "de la", "video games"])
def test_what_the_hint_recommends_is_found_and_is_about_it(word):
    """The words that an error offers are looked up, not listed by heart."""
    message = list_command.nothing_found(word, all_recipes())
    for task in message.partition("Ask for ")[2].split(", a technique")[0].split(", "):
        assert not task or found(task), task


@pytest.mark.parametrize(
    "forms",
    [
        ("redes", "red"),
        ("recurrentes", "recurrente", "recurrent"),
        ("images", "image"),
        ("imágenes".translate(ACCENTS), "imagen"),
        ("classes", "class"),
        ("regularization", "regularizacion", "regularized", "regularizing"),
        ("convolutional", "convolutions", "convolution"),
        ("capas", "capa"),
        ("categories", "category"),
    ],
)
def test_forms_of_one_word_have_one_stem(forms):
    assert len({stem(form) for form in forms}) == 1


@pytest.mark.parametrize(
    "pair", [("data", "date"), ("mode", "model"), ("bias", "biased"), ("loss", "lose")]
)
def test_different_words_stay_apart(pair):
    assert stem(pair[0]) != stem(pair[1])
