"""Precision, recall and F1 that the DAGMM paper has.

Zong et al., "Deep Autoencoding Gaussian Mixture Model for Unsupervised Anomaly Detection", ICLR
2018, table 2: means of 20 runs, as in the manuscript submitted to the conference
(https://openreview.net/forum?id=BJJLHbb0-). The final version adds the set KDDCUP-Rev, the rows
PAE-GMM-EM and DAGMM-NVI, and table 3, anomalies among the training rows. Of these only DAGMM's
figures on KDDCUP-Rev were at hand to check; nothing stands here that was not.
"""

#: Precision, recall and F1.
Figures = tuple[float, float, float]

#: By method and set.
TABLE_2: dict[str, dict[str, Figures]] = {
    "oc-svm": {
        "kddcup": (0.7457, 0.8523, 0.7954),
        "thyroid": (0.3639, 0.4239, 0.3887),
        "arrhythmia": (0.5397, 0.4082, 0.4581),
    },
    "dsebm-r": {
        "kddcup": (0.8521, 0.6472, 0.7328),
        "thyroid": (0.0404, 0.0403, 0.0403),
        "arrhythmia": (0.1515, 0.1513, 0.1510),
    },
    "dsebm-e": {
        "kddcup": (0.8619, 0.6446, 0.7399),
        "thyroid": (0.1319, 0.1319, 0.1319),
        "arrhythmia": (0.4667, 0.4565, 0.4601),
    },
    "dcn": {
        "kddcup": (0.7696, 0.7829, 0.7762),
        "thyroid": (0.3319, 0.3196, 0.3251),
        "arrhythmia": (0.3758, 0.3907, 0.3815),
    },
    "gmm-en": {
        "kddcup": (0.1932, 0.1967, 0.1949),
        "thyroid": (0.0213, 0.0227, 0.0220),
        "arrhythmia": (0.3000, 0.2792, 0.2886),
    },
    "pae": {
        "kddcup": (0.7276, 0.7397, 0.7336),
        "thyroid": (0.1894, 0.2062, 0.1971),
        "arrhythmia": (0.4393, 0.4437, 0.4403),
    },
    "e2e-ae": {
        "kddcup": (0.0024, 0.0025, 0.0024),
        "thyroid": (0.1064, 0.1316, 0.1176),
        "arrhythmia": (0.4667, 0.4538, 0.4591),
    },
    "pae-gmm": {
        "kddcup": (0.7251, 0.7384, 0.7317),
        "thyroid": (0.4532, 0.4881, 0.4688),
        "arrhythmia": (0.4575, 0.4823, 0.4684),
    },
    "dagmm-p": {
        "kddcup": (0.7579, 0.7710, 0.7644),
        "thyroid": (0.4723, 0.4725, 0.4713),
        "arrhythmia": (0.4909, 0.4679, 0.4787),
    },
    "dagmm": {
        "kddcup": (0.9297, 0.9442, 0.9369),
        "kddcup-rev": (0.9370, 0.9390, 0.9380),
        "thyroid": (0.4766, 0.4834, 0.4782),
        "arrhythmia": (0.4909, 0.5078, 0.4983),
    },
}
