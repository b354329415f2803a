-- Whether an indicator has records that are not public: views of it are written down.
SELECT count() AS series FROM board_withheld(clearance = 0) WHERE indicator IN {indicators:Array(String)}
