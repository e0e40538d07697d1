# A saved model as a server. Written without Docker at hand: its steps ran in a plain environment,
# the image itself was never built.
#
#   docker build -t zoo . && docker run -p 8000:8000 -v "$PWD/pets:/model:ro" zoo
FROM python:3.12-slim

RUN useradd --create-home --uid 10001 zoo
WORKDIR /home/zoo
# The CPU's torch: the usual one brings 4 GB of CUDA along.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu torch torchvision
COPY --chown=zoo . /src
RUN pip install --no-cache-dir "/src[serve,text,transformers]" && rm -rf /src
USER zoo

EXPOSE 8000
HEALTHCHECK --start-period=60s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=3)"]
ENTRYPOINT ["zoo", "serve"]
CMD ["/model", "--host", "0.0.0.0"]
