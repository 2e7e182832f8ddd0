-- How far two words are apart, for "did you mean". Knows nothing else.

local M = {}

---Insertions, deletions, replacements and swaps of neighbours that make `a` of `b`.
---@param a string
---@param b string
---@return integer
function M.distance(a, b)
  ---@type table<integer, table<integer, integer>>
  local rows = { [0] = {} }
  for j = 0, #b do
    rows[0][j] = j
  end
  for i = 1, #a do
    rows[i] = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      local best =
        math.min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (same and 0 or 1))
      local swapped = i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      rows[i][j] = swapped and math.min(best, rows[i - 2][j - 2] + 1) or best
    end
  end
  return rows[#a][#b] --[[@as integer]]
end

---The name that is likely meant, if any is near enough.
---@param word string
---@param names string[]
---@param limit? integer by default about a third of the word
---@return string|nil
function M.nearest(word, names, limit)
  if #word > 64 then
    return nil
  end
  local best, best_distance = nil, (limit or math.max(1, math.floor(#word / 3))) + 1
  for _, name in ipairs(names) do
    local distance = M.distance(word:lower(), name:lower())
    if distance < best_distance then
      best, best_distance = name, distance
    end
  end
  return best
end

---` (did you mean "x"?)`, or nothing.
---@param word string
---@param names string[]
---@return string
function M.hint(word, names)
  local name = M.nearest(word, names)
  return name and (' (did you mean "%s"?)'):format(name) or ''
end

return M
