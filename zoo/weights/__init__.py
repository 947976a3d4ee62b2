"""Published weights and data sets: cards, and a store that one can trust.

Light: neither torch nor numpy.
"""

from zoo.weights.cards import Card as Card
from zoo.weights.cards import DataCard as DataCard
from zoo.weights.cards import WeightsCard as WeightsCard
from zoo.weights.catalogue import bad_cards as bad_cards
from zoo.weights.catalogue import cards as cards
from zoo.weights.catalogue import data_cards as data_cards
from zoo.weights.catalogue import find as find
from zoo.weights.catalogue import find_data as find_data
from zoo.weights.catalogue import split_ref as split_ref
from zoo.weights.resolving import resolve as resolve
