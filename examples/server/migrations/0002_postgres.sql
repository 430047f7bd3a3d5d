-- Records and blobs on PostgreSQL. Same tables, columns and constraints as 0002_sqlite.sql.
-- `seq` is in milliseconds, the moment that the content is of, as the device says; `arrived_us` is by the service's clock.

-- The id is the order of arrival. Sent again, a record is found by the SHA-256 of its bytes.
CREATE TABLE records (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account    BIGINT NOT NULL,
    device     BIGINT NOT NULL REFERENCES devices (id),
    class      BIGINT NOT NULL,
    epoch      BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    arrived_us BIGINT NOT NULL,
    digest     BYTEA NOT NULL,
    record     BYTEA NOT NULL,
    UNIQUE (device, digest)
);
-- Device and class are in it so that a page of one device reads no row of another.
CREATE INDEX records_by_time ON records (account, seq, id, device, class);
CREATE INDEX records_by_arrival ON records (account, arrived_us);

-- The bytes are in the folder of blobs, in the file that `object` names.
CREATE TABLE blobs (
    account    BIGINT NOT NULL,
    device     BIGINT NOT NULL REFERENCES devices (id),
    blob_id    BYTEA NOT NULL,
    class      BIGINT NOT NULL,
    epoch      BIGINT NOT NULL,
    seq        BIGINT NOT NULL,
    arrived_us BIGINT NOT NULL,
    size       BIGINT NOT NULL,
    digest     BYTEA NOT NULL,
    object     TEXT NOT NULL UNIQUE,
    PRIMARY KEY (account, blob_id)
);
CREATE INDEX blobs_by_time ON blobs (account, seq, blob_id, device, class);
CREATE INDEX blobs_by_arrival ON blobs (account, arrived_us);
-- For the reference to the device, when that is deleted.
CREATE INDEX blobs_by_device ON blobs (device);
