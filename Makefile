# Nhịp. `make` alone says what there is; each target sets itself up from the lock files.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One stamp for each lock: nothing is installed twice, and a changed lock is installed again.
RUNTIME := $(VENV)/.runtime.stamp
TEST := $(VENV)/.test.stamp

# Every process of ours compiles its modules once, not at each start: up to 1.7 processor seconds each, and tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo up down status test check lint types schemas bench lock clean

help: ## các dòng này / these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## chạy thử: hệ thống với số liệu mẫu đến cảnh báo đầu tiên / the system with sample data, to the first alert
	$(BIN)/nhip demo $(ARGS)

up: $(RUNTIME) ## khởi động hệ thống trên máy này / start the system on this machine
	$(BIN)/nhip up

down: $(RUNTIME) ## dừng, giữ dữ liệu / stop, keep the data
	$(BIN)/nhip down

status: $(RUNTIME) ## trạng thái từng phần / state of each part
	$(BIN)/nhip status

# Three processes, each with real parts of its own: tests of those wait a fifth of their time, so that two leave a second core idle as long.
# Each takes up to 2 GB; `make test WORKERS=0` runs everything in one.
WORKERS ?= 3

test: $(TEST) ## chạy mọi kiểm thử / all tests
	@sh ops/stack/chromium.sh
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --max-worker-restart 0 $(ARGS)

check: lint types schemas ## kiểm tra mã nguồn và lược đồ / lint, types, and schemas against those released

lint: $(TEST)
	$(BIN)/ruff check .

types: $(TEST)
	$(BIN)/mypy

schemas: $(TEST)
	$(BIN)/python -m transport.compatibility

.PHONY: faults
faults: $(TEST) ## mọi phần bị giết dưới tải, kèm đối chứng → benchmarks/results/faults.json / everything killed under load, with controls
	$(BIN)/python -m tests.fault $(ARGS)
	NHIP_TEST_KILLS=10 $(BIN)/python -m pytest tests/alerts/test_kill.py

bench: $(TEST) ## đo tốc độ trên máy này / measure speed on this machine
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-queries
bench-queries: $(TEST) ## đo mọi câu hỏi trên 20 triệu quan sát / every question over 20 million observations
	$(BIN)/python -m benchmarks.queries $(ARGS)

lock: $(TEST) ## làm lại tệp khóa / write the lock files anew
	$(BIN)/uv pip compile -q --no-emit-index-url --no-header --generate-hashes --python-version 3.11 pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile -q --no-emit-index-url --no-header --generate-hashes --python-version 3.11 --extra test pyproject.toml -o requirements/test.lock

clean: ## xóa tệp tạm; dữ liệu ở .nhip còn nguyên / delete temporary files; .nhip stays
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

$(BIN)/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "cần Python 3.11 trở lên / Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)

# uv checks the same hashes and installs in 10 processor seconds what takes pip 90. A mirror or a certificate that only pip was told of
# (pip.conf, PIP_INDEX_URL) it does not know: then pip installs the same. A lock is complete, so nobody has to work out dependencies.
install = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(1) || $(BIN)/pip install --quiet --no-deps $(1)

$(BIN)/uv: | $(BIN)/pip
	sed -n '/^uv==/,/[^\\]$$/p' requirements/test.lock > $(VENV)/uv.lock
	$(BIN)/pip install --quiet --require-hashes --no-deps -r $(VENV)/uv.lock

# The test lock holds everything of the runtime lock, so either stamp serves `demo` and `up`.
$(RUNTIME): requirements/runtime.lock pyproject.toml | $(BIN)/uv
	@if [ -e $(TEST) ] && [ ! requirements/test.lock -nt $(TEST) ] && [ ! pyproject.toml -nt $(TEST) ]; then :; else \
	  set -ex; $(call install,--require-hashes -r requirements/runtime.lock); $(call install,-e .); fi
	@touch $@

$(TEST): requirements/test.lock pyproject.toml | $(BIN)/uv
	$(call install,--require-hashes -r requirements/test.lock)
	$(call install,-e .)
	@touch $@
