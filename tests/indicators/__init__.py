"""Tests of the vocabulary: catalogues, territory, agencies, periods, numbers."""
