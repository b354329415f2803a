-- How far each table has come.
SELECT name, rows, partitions, newest FROM board_operations(@access) ORDER BY rows DESC
