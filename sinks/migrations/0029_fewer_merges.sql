-- Ten parts are merged at once, not five: of three million rows that the sink inserts in 36 blocks, merges write 2.7 million again instead of 4.7.
-- Up to nine small parts more stand beside the large ones; a question that reads observations asks by their key and opens a mark of each.
ALTER TABLE observations MODIFY SETTING min_parts_to_merge_at_once = 10;
