--- A proposed plan in a buffer to edit: `:w` approves it as it stands then, closing without writing changes nothing.

local api = vim.api

local M = {}

--- Opens the plan in the tabpage's last normal window's place, beside it.
---@param item agor.AskItem
---@param approve fun(option: string?, opts: table): boolean
function M.open(item, approve)
  local name = ('agor-plan://%s/%s'):format(item.session_id, item.request_id)
  local existing = vim.fn.bufnr('^' .. vim.fn.escape(name, '^$.*?[]{}\\,') .. '$')
  local buf = existing > 0 and existing or api.nvim_create_buf(false, true)
  if existing <= 0 then
    local plan = item.input.plan
    api.nvim_buf_set_lines(buf, 0, -1, false, vim.split(plan, '\n', { plain = true }))
    api.nvim_buf_set_name(buf, name)
    vim.bo[buf].buftype = 'acwrite'
    vim.bo[buf].bufhidden = 'wipe'
    vim.bo[buf].swapfile = false
    require('agor.filetype').set(buf, 'markdown')
    vim.bo[buf].modified = false
    api.nvim_create_autocmd('BufWriteCmd', {
      buffer = buf,
      callback = function()
        local text = table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), '\n')
        local input = vim.tbl_extend('force', item.input or {}, { plan = text })
        local items = require('agor.ui.ask_item')
        local option = items.option_of(item, { 'allow_once', 'allow_always' })
        vim.bo[buf].modified = false
        if not option then
          require('agor.message').error('The agent offers no option that approves this plan')
        elseif approve(option, { input = input }) then
          require('agor.message').info('The plan is approved as you wrote it')
          vim.schedule(function()
            if api.nvim_buf_is_valid(buf) then
              api.nvim_buf_delete(buf, { force = true })
            end
          end)
        else
          require('agor.message').warn('This plan is settled already: nothing was sent')
        end
      end,
    })
  end
  local target = require('agor.ui.neighbour').last()
  local win
  if target then
    win = api.nvim_open_win(buf, true, { split = 'below', win = target })
  else
    win = require('agor.ui.neighbour').open(buf)
    api.nvim_set_current_win(win)
  end
  vim.wo[win][0].winbar = ' Plan  %#AgorDim#:w approves it as it stands, :q leaves it open'
  return win
end

return M
