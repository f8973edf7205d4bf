"""The vocabulary of `list`: word stems, tasks, and techniques with their synonyms."""

import functools
import re
import unicodedata

# Each line: search phrases, and other phrases that indicate that a recipe is about the task. A task
# is matched in title, slides' headings and inputs only: in prose, "text" may mean anything.
TASKS = (
    (
        "image, photo, photograph, picture, imagen, foto",
        "mnist, fashion mnist, cifar10, cifar100, pixel",
    ),
    (
        "text, document, comment, texto",
        "imdb reviews, goemotions, review, sentence, translation, character",
    ),
    ("table, tabular, csv, spreadsheet, tabla", "california housing, column, features of"),
    (
        "series, time series, sequence, sensor, signal, serie, series temporales, secuencia",
        "cmapss, cycles, weather, electricity",
    ),
    ("audio, sound, speech, voice, music, sonido, voz", "spoken, wav"),
    ("video, clip", "frames"),
    ("regression, price, regresion, precio", "mean squared error, remaining life, engine health"),
    (
        "classification, multiclass, multi class, class, clasificacion, clase",
        "class probabilities, softmax, sentiment",
    ),
    ("binary, yes no, two classes, binaria", "sentiment, cats against dogs, cats or dogs"),
    ("multi label, multilabel, several labels, tag, etiqueta", "goemotions, any number of"),
    (
        "unlabelled, unlabeled, unsupervised, clustering, cluster, agrupamiento de datos",
        "autoencoder, modes, heaps",
    ),
    ("anomaly, anomaly detection, outlier, anomalia, deteccion de anomalias", ""),
    ("generate, generation, generative, generar, generacion", "gan, vae, diffusion"),
    ("detection, object detection, bounding box, deteccion, objeto", "yolo, localization"),
    ("segmentation, semantic segmentation, segmentacion", "unet, per pixel"),
    ("reinforcement, reinforcement learning, game, agent, juego", "reward, q learning, dqn"),
    (
        "forecasting, forecast, prediction of series, pronostico",
        "electricity, series temporales, next 24 hours",
    ),
    ("remaining useful life, predictive maintenance, vida util restante", "cmapss, jet engine"),
    (
        "sentiment analysis, opinion, analisis de sentimientos",
        "sentiment, film review, positive or negative",
    ),
    ("machine translation, translation, traduccion", "english to spanish, spa eng"),
    (
        "language model, modelo de lenguaje",
        "gpt, next character, character by character, next word",
    ),
)
# A technique is matched anywhere in a docstring or heading; the third column, in the code.
TECHNIQUES = (
    ("padding, zero padding, relleno", "padded", ""),
    ("masking, mask, mascara", "masked, masks", "mask_zero, use_causal_mask"),
    ("causal mask, causal attention, masked attention", "look ahead", "use_causal_mask, causal"),
    (
        "mode, modes, mode collapse, colapso modal, mixture of gaussians",
        "heaps of points, ring of points",
        "",
    ),
    (
        "data augmentation, augmentation, aumento de datos, aumentacion",
        "",
        "RandomAffine, RandomFlip",
    ),
    ("warmup, warm up, calentamiento", "", "warmup_steps, warmup"),
    (
        "learning rate schedule, scheduler, learning rate decay, cosine decay, tasa de aprendizaje",
        "",
        "CosineDecay",
    ),
    ("normalization, normalisation, normalizacion", "", "Normalization("),
    ("batch normalization, batchnorm, normalizacion por lotes", "", "BatchNormalization"),
    ("layer normalization, layernorm", "", "LayerNormalization"),
    (
        "residual connection, residual, skip connection, resnet, conexion residual",
        "capas residuales, residual branch, encoder block, vision transformer",
        "keras.layers.Add(, layers.add(",
    ),
    ("pca, principal component, componentes principales", "principal components", ""),
    (
        "svd, singular value decomposition, singular value",
        "singular vectors, pointwise mutual information",
        ".svd(, randomized_svd",
    ),
    ("interpolation, interpolacion", "point between them, transicion continua, latent space", ""),
    ("fid, frechet distance, frechet inception distance", "", "frechet"),
    ("perplexity, bits per character, perplejidad", "next character, character by character", ""),
    (
        "seq2seq, sequence to sequence, encoder decoder",
        "english to spanish, codificador decodificador",
        "",
    ),
    ("negative sampling, muestreo negativo", "", "negative_samples, negative sampl, negatives"),
    ("tokenizer, tokenization, tokens, vocabulary", "", "TextVectorization, tokenize"),
    ("embedding, word vectors, incrustacion", "word2vec", "Embedding("),
    (
        "autoregressive, autorregresivo",
        "next character, character by character, gpt, code completion",
        "",
    ),
    ("attention, atencion", "", "MultiHeadAttention"),
    ("self attention, autoatencion", "transformer, multi head", "MultiHeadAttention"),
    ("cross attention, encoder decoder attention", "fase decoder", "DecoderBlock"),
    ("class token, cls token", "vision transformer", "ClassToken"),
    (
        "attention map, attention weights, attention matrix, mapa de atencion",
        "attention by hand, matriz de atencion",
        "attention_scores, return_attention",
    ),
    ("heatmap, heat map, saliency, mapa de calor", "attention matrix, attention by hand", ""),
    (
        "computational graph, grafo computacional",
        "small tape, diferenciacion automatica",
        "",
    ),
    (
        "automatic differentiation, autodiff, autograd, diferenciacion automatica",
        "small tape",
        "GradientTape",
    ),
    (
        "minimax, non saturating, two player game",
        "the game in the plane, generative adversarial network",
        "",
    ),
    (
        "bottleneck, latent space, cuello de botella, espacio latente",
        "pass through three units, through 32 numbers",
        "",
    ),
    ("label smoothing, suavizado de etiquetas", "", "label_smoothing"),
    ("early stopping, parada temprana", "", "EarlyStopping"),
    ("weight decay, l2, decaimiento de pesos", "", "weight_decay, regularizers.L2"),
    ("class weights, class weight, pesos de clase", "", "class_weight"),
    ("imbalanced, imbalance, unbalanced, desbalanceado, desequilibrado", "", "class_weight"),
    (
        "n gram, ngram, bigram, trigram, n grama",
        "characters in a row, counts of tokens, counts of n",
        "",
    ),
    ("temperature, temperatura", "", "temperature"),
    ("beam search, busqueda en haz", "", "beam_search, beam_width"),
    (
        "teacher forcing",
        "next character, english to spanish, character by character",
        "",
    ),
    ("transfer learning, aprendizaje por transferencia", "", ""),
    ("fine tuning, finetuning, finetune, ajuste fino", "", ""),
    ("feature extraction, feature extractor, extraccion de caracteristicas", "", ""),
    ("quantization, quantisation, cuantizacion, int8", "reduccion de la precision", ""),
    ("pruning, prune, poda", "weight compression", "prune="),
    ("ensemble, model averaging, combinar modelos", "", ""),
    ("bagging, bootstrap", "", ""),
    (
        "hyperparameter search, hyperparameter tuning, hyperparameter, tuner, kerastuner, "
        "ajuste de hiperparametros, hiperparametro",
        "bayesian search",
        "",
    ),
    ("bayesian optimization, bayesian, optimizacion bayesiana", "expected improvement", ""),
    ("gaussian process, proceso gaussiano, kriging", "procesos gaussianos", ""),
    ("hyperband, successive halving", "", ""),
    ("convolution, cnn, convnet, convolucion, conv2d, convolucional", "convolutional", "Conv2D("),
    ("pooling, max pooling, agrupamiento, subsampling", "", "Pooling2D("),
    ("output layer, head, capas de salida", "last layer", ""),
    (
        "activation, activation function, funcion de activacion",
        "funciones de activacion, softmax, relu",
        "",
    ),
    ("overfitting, overfit, sobreaprendizaje, sobreajuste", "regularization, dropout", ""),
    ("regularization, regularisation, regularizacion", "dropout, early stopping", "regularizers."),
    (
        "recurrent network, recurrent, rnn, red recurrente, red neuronal recurrente",
        "lstm, gru, plain recurrent",
        "SimpleRNN, keras.layers.LSTM, keras.layers.GRU",
    ),
    ("perceptron", "multilayer perceptron, perceptron rule", ""),
    ("autoencoder, auto encoder, autocodificador, autoencodificador", "", ""),
    (
        "optimizer, optimiser, optimizador, gradient descent, descenso de gradiente",
        "algoritmos de optimizacion",
        "",
    ),
    (
        "initialization, initialisation, initializer, inicializacion",
        "identity matrix",
        "initializer=",
    ),
    ("backpropagation, back propagation, retropropagacion", "chain rule", ""),
    ("transformer, transformador", "attention is all you need", ""),
)
ACCENTS = re.compile("[\u0300-\u036f]")


def words(text):
    """The words of a text in lower case and without accents."""
    text = text.lower()
    if not text.isascii():
        text = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
    return re.findall(r"[^\W_]+", text)


# Words without meaning for a search.
STOP_WORDS = frozenset(
    words(
        "a an the of for with and or in on to from by how my i have want do does using use example "
        "recipe keras de del la el los las un una unos unas y o con para por en al como que mi "
        "quiero tengo ejemplo"
    )
)


@functools.cache
def stem(word):
    """A simple stem of an English or Spanish word.

    It is not linguistically correct, but the same for queries and texts.

    >>> stem("recurrentes"), stem("recurrent"), stem("redes"), stem("red")
    ('recurrent', 'recurrent', 'red', 'red')
    """
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending, instead in (
        ("ization", "iz"),
        ("izacion", "iz"),
        ("ional", ""),
        ("ion", ""),
        ("ing", ""),
        ("ed", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)] + instead
            break
    if word.endswith("e") and len(word) > 3:
        return word[:-1]
    if word.endswith(("a", "o")) and len(word) > 4:
        return word[:-1]
    return word


def normal(text):
    """The stems of a text's words, separated and surrounded by spaces."""
    return " " + "".join(stem(word) + " " for word in words(text))


def phrases(listed):
    """The normalized forms of phrases separated by commas."""
    return [normal(phrase) for phrase in listed.split(",") if phrase.strip()]
