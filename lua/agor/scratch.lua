-- Text to look at: a window at the bottom with a buffer that is gone when it is closed. Knows windows, no contents.

local M = {}

---The window of this tabpage that has such a text already: the next one takes its place.
---@return integer|nil
function M.window()
  for _, win in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    if vim.w[win].agor_scratch and vim.b[vim.api.nvim_win_get_buf(win)].agor_scratch then
      return win
    end
  end
end

---@param name string
---@param lines string[]
---@param opts? { filetype?: string, full?: boolean }
---@return integer buf
function M.open(name, lines, opts)
  opts = opts or {}
  local buf = vim.api.nvim_create_buf(false, true)
  pcall(vim.api.nvim_buf_set_name, buf, ('agor-%s [%d]'):format(name, buf))
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable = false
  vim.bo[buf].bufhidden = 'wipe'
  vim.b[buf].agor_scratch = true
  local height = math.max(1, math.min(#lines, math.floor(vim.o.lines * 0.4)))
  height = opts.full and math.floor(vim.o.lines / 2) or height
  -- Who types is in a prompt, and this is to be read.
  vim.cmd.stopinsert()
  local win = M.window()
  if win then
    vim.api.nvim_set_current_win(win)
    vim.api.nvim_win_set_buf(win, buf)
  else
    win = vim.api.nvim_open_win(buf, true, { split = 'below', win = -1, height = height })
    vim.w[win].agor_scratch = true
  end
  -- With 'equalalways' the windows beside it have a say too.
  vim.api.nvim_win_set_height(win, height)
  vim.wo[win][0].wrap = false
  vim.wo[win][0].number = false
  vim.wo[win][0].relativenumber = false
  vim.wo[win][0].signcolumn = 'no'
  require('agor.filetype').set(buf, opts.filetype or ('agor-' .. name))
  require('agor.ui.keys').attach(buf, {
    {
      modes = 'n',
      lhs = 'q',
      name = 'close',
      desc = 'close',
      run = function()
        if #vim.api.nvim_tabpage_list_wins(0) > 1 or #vim.api.nvim_list_tabpages() > 1 then
          vim.api.nvim_win_close(0, true)
        else
          vim.cmd.enew()
        end
      end,
    },
  })
  return buf
end

---Columns as wide as their widest cell; numbers to the right.
---@param head string[]
---@param rows any[][]
---@return string[]
function M.table(head, rows)
  local widths = {}
  local cells = { head }
  for _, row in ipairs(rows) do
    local line = {}
    for i = 1, #head do
      line[i] = tostring(row[i] == nil and '' or row[i]):gsub('%c', ' ')
    end
    table.insert(cells, line)
  end
  for _, line in ipairs(cells) do
    for i, cell in ipairs(line) do
      widths[i] = math.max(widths[i] or 0, vim.fn.strdisplaywidth(cell))
    end
  end
  local out = {}
  for n, line in ipairs(cells) do
    local parts = {}
    for i, cell in ipairs(line) do
      local pad = (' '):rep(widths[i] - vim.fn.strdisplaywidth(cell))
      local value = n > 1 and rows[n - 1][i]
      local number = type(value) == 'number'
        or type(value) == 'string' and value:match('^%d+%.%d+$') ~= nil
      parts[i] = number and pad .. cell or cell .. pad
    end
    table.insert(out, (table.concat(parts, '  '):gsub('%s+$', '')))
  end
  return out
end

return M
