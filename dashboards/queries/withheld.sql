-- Series with records above the reader's clearance: live changes of them are not sent.
SELECT indicator, series FROM board_withheld(@access)
