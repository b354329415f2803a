-- The same of one indicator as known at a moment.
SELECT period_type, period_start, value
FROM board_known_values(@access, moment = {moment:DateTime64(3, 'UTC')})
WHERE territory = {territory:String} AND indicator = {indicator:String} AND component = {component:String} AND figure = 'actual' AND subject_id = ''
    AND splitByChar('|', series)[5] = ''
