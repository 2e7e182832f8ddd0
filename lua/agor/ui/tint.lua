--- A background for a whole row that other marks are drawn over: a `line_hl_group` would lie over theirs, and what goes on
--- behind the end of a line (`hl_eol`) needs a line below it.
---
--- For rows that do not grow.

local M = {}

-- Below the marks of the text, which have 4096.
local PRIORITY = 4000
-- Further right than any line and any window go: both are cut there.
local FAR = 100000
local BLANK = (' '):rep(500)

---@type vim.api.keyset.set_extmark
local text = {
  end_col = FAR,
  hl_group = '',
  priority = PRIORITY,
  strict = false,
  invalidate = true,
  undo_restore = false,
}
---@type vim.api.keyset.set_extmark
local rest = {
  virt_text = { { BLANK, '' } },
  virt_text_pos = 'overlay',
  priority = PRIORITY,
  strict = false,
  invalidate = true,
  undo_restore = false,
}

---@param buf integer
---@param ns integer
---@param row integer
---@param group string
function M.row(buf, ns, row, group)
  text.hl_group, rest.virt_text[1][2] = group, group
  vim.api.nvim_buf_set_extmark(buf, ns, row, 0, text)
  vim.api.nvim_buf_set_extmark(buf, ns, row, FAR, rest)
end

return M
