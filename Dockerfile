# A saved model behind HTTP, as an ordinary user: docs/en/guides/serving.md says how to build and run it.
FROM python:3.13-slim

# Exactly what is locked, and nothing else from the network.
WORKDIR /build
COPY requirements/serve.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/serve.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip install --no-cache-dir --no-deps --no-build-isolation . \
    && rm -rf /build \
    && useradd --system --uid 10001 --no-create-home dagmm

WORKDIR /
USER 10001
ENV PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=5)"]
# The directory of a model is mounted here. Whoever runs the container says who reaches its port.
ENTRYPOINT ["dagmm", "serve", "/model", "--host", "0.0.0.0"]
