"""The pages, one module each: `answer(visit, query) -> Answer`, and the query's parameters as a model."""
