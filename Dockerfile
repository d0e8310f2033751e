# One image for every process of Frontdesk: `frontdesk gateway`, `worker`, `console`, `init` …
FROM python:3.13-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app \
    FRONTDESK_DATA_DIR=/data FRONTDESK_LOG_JSON=yes

WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock

COPY desk ./desk
COPY storage ./storage
COPY classifier ./classifier
COPY gateway ./gateway
COPY workers ./workers
COPY console ./console
COPY frontdesk.py LICENSE ./

RUN useradd --uid 10001 --no-create-home frontdesk \
    && install --directory --owner=frontdesk --mode=0700 /data
USER frontdesk
VOLUME /data

# SIGTERM reaches only this process, which is what a clean stop needs.
ENTRYPOINT ["python", "/app/frontdesk.py"]
CMD ["--help"]
