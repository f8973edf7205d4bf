"""Word order: shuffled texts, and sentences of which it is all that tells the classes apart."""

import numpy as np

from recipes.recurrent.figures import sentiment_lstm as pictures


class Fixed:
    """A network that is sure of texts with an x."""

    def predict_on_batch(self, texts):
        return np.array([[0.9 if b"x" in text else 0.2] for text in texts.numpy()])


def test_shuffled_texts_have_the_same_words():
    texts = np.array([b"bad", b"i loved it and the actors are good but it is long"])
    mixed = pictures.shuffle_words(texts)
    assert [sorted(text.split()) for text in mixed] == [sorted(t.decode().split()) for t in texts]
    assert mixed[1] != texts[1].decode()


def test_accuracy_of_probabilities():
    texts = ["ax", "b", "x", "cx"]
    assert pictures.predict_positive(Fixed(), texts).tolist() == [0.9, 0.2, 0.9, 0.9]
    assert pictures.accuracy(Fixed(), texts, np.array([1, 1, 0, 1])) == 0.5


def test_pairs_of_the_test_are_new_and_their_words_are_not():
    train, train_labels, test, test_labels = pictures.bite_sentences()
    assert len(train) == len(train_labels) == 2 * 30
    assert len(test) == len(test_labels) == 2 * 6
    pairs = {frozenset(text.split()) for text in train}
    assert not pairs & {frozenset(text.split()) for text in test}
    words = {word for text in train for word in text.split()}
    assert {word for text in test for word in text.split()} <= words
    for text, label in zip([*train, *test], [*train_labels, *test_labels], strict=True):
        assert (text.split()[0] in pictures.PEOPLE) == label


def test_order_is_all_that_tells_the_classes_apart():
    assert pictures.dog_bites_man("lstm") == 1
    assert pictures.dog_bites_man("bag_of_words", epochs=2) == 0.5
