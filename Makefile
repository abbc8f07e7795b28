PYTHON ?= python3
VENV_PYTHON = .venv/bin/python
CALLS ?= 24
SECONDS_ ?= 30

.PHONY: run test bench lint lock

run:            ## everything, with embedded defaults
	@$(PYTHON) voiceplatform/bootstrap.py
	@$(VENV_PYTHON) manage.py migrate -v 0
	@$(VENV_PYTHON) manage.py sync_roles
	@$(VENV_PYTHON) manage.py collectstatic --noinput -v 0
	@$(VENV_PYTHON) manage.py seed_demo
	@exec $(VENV_PYTHON) -m voiceplatform.supervisor

test:           ## everything that can be tested here
	@$(PYTHON) voiceplatform/bootstrap.py --dev
	@$(MAKE) --no-print-directory lint
	@# Whole calls take their time in real time, and little of the machine: they run beside the rest.
	@$(VENV_PYTHON) -m pytest tests/calls/whole >.whole-calls.log 2>&1 & whole=$$!; \
	  $(VENV_PYTHON) -m pytest --ignore=tests/calls/whole; rest=$$?; \
	  wait $$whole; calls=$$?; cat .whole-calls.log; rm -f .whole-calls.log; exit $$((rest + calls))

lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@$(VENV_PYTHON) manage.py makemigrations --check --dry-run

bench:          ## make bench CALLS=24 SECONDS_=60
	@$(PYTHON) voiceplatform/bootstrap.py --dev
	@$(VENV_PYTHON) -m tests.bench --calls $(CALLS) --seconds $(SECONDS_) $(ARGS)

lock:           ## after a change of requirements*.txt
	@for name in requirements requirements-dev; do \
	  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links $$name.txt -o $$name.lock; done
	@.venv/bin/uv pip compile -q --no-deps --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  requirements-data.txt -o requirements-data.lock
