"""From small sums to what a play changed: intervals that hold for people and for accounts.

Numbers in, numbers out: no warehouse, no declarations. Everything is a difference of shares,
treated minus held out, unless it says otherwise; what cannot be told is None or the whole range,
never NaN. Means and ratios are those of `values`.

- `arms`: an arm by its sums, and a difference with its interval
- `compare`: the effect as assigned
- `permuted`: the same where accounts are few
- `samples`: an arm of any other metric by its sums
- `values`: the effect on a mean or a ratio, and how many units it takes
- `looks`: looking often, and tests with an end
- `several`: treatments that share a control
- `reached`: the effect among those who got the message
- `segments`: for whom, and what several plays say together
- `times`: time to goal by arm
- `quasi`: what can be said without a holdout
"""
