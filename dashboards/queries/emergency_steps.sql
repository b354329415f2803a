-- Every step of the emergencies that the reader may see, in the order they were taken.
SELECT step_key, body, appended FROM board_emergency_steps(@access) ORDER BY offset
