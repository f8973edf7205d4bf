"""Numbers on the slides about applications, calculated again."""

import numpy as np
import pytest


@pytest.mark.slides
def test_n101_errors_that_deep_networks_save_in_speech_recognition():
    """Word error rates in percent, of a Gaussian mixture model and of a deep network."""
    mixture = np.array([27.4, 18.8, 16.0])
    network = np.array([18.5, 17.5, 12.3])
    saved = 100 * (mixture - network) / mixture
    np.testing.assert_allclose(saved, [32.5, 6.9, 23.1], atol=0.05)
