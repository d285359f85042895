-- What this database knows of the other one of its pair (docs/decisions/0004-backup-pairs.md). A program that does not
-- know the table may go on writing: it only witnesses nothing.

-- pair_id: '' until both databases were first opened together. other_seq: the other one's next sequence number when it
-- was last looked at. backup_id: '' unless this is a backup's copy that was not restored yet.
CREATE TABLE pair (
    id bigint PRIMARY KEY CHECK (id = 1),
    pair_id text COLLATE "C" NOT NULL,
    other_seq bigint NOT NULL,
    backup_id text COLLATE "C" NOT NULL
);
INSERT INTO pair (id, pair_id, other_seq, backup_id) VALUES (1, '', 0, '');
