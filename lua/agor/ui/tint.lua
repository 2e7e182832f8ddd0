--- Marks of rows that do not grow: colours of a part of a row, and backgrounds for a whole one that other marks are drawn
--- over. A `line_hl_group` would lie over theirs, and what goes on behind the end of a line (`hl_eol`) needs a line below it.

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

--- Draws what the backend says of the lines of a float.
---@param buf integer
---@param ns integer
---@param marks any[] row, col, end_col and group of each; an end of -1 colours the row
function M.marks(buf, ns, marks)
  for _, mark in ipairs(marks) do
    local row, col, end_col, group = unpack(mark)
    if end_col < 0 then
      M.row(buf, ns, row, group)
    else
      local opts = { end_col = end_col, hl_group = group, strict = false }
      vim.api.nvim_buf_set_extmark(buf, ns, row, col, opts)
    end
  end
end

return M
