SELECT seq FROM event ORDER BY seq
