local child = require('support.child')
local test, equal, contains = child.test, child.equal, child.contains

local T = {}

T['what holds is listed, and d takes the one under the cursor back'] = test(nil, function(nvim)
  nvim:lua([[
    T.session('s1', { cwd = '/p/one', provider = 'codex' })
    Rows = {
      { id = 'g1', scope = 'session', words = 'commands `ls …`', at = 0, session_id = 's1', project = '/p' },
      { id = 'g2', scope = 'project', words = 'changes of src/a.rs', at = 0, project = '/p' },
    }
    T.results_of.grants = function() return Rows end
    T.results_of.revoke = function() Rows = { Rows[1] } return true end
    require('agor.grants').grants()
  ]])
  nvim:settle()
  local screen = nvim:screen()
  contains(screen, 'codex in /p')
  contains(screen, 'commands `ls …`')
  contains(screen, 'changes of src/a.rs')
  nvim:type('jd')
  equal(nvim:get('T.notified[2]'), { 'revoke', { id = 'g2', cwd = '/p/one' } })
  nvim:settle()
  equal(nvim:get('vim.api.nvim_buf_line_count(0)'), 2)
  nvim:lua('T.results_of.revoke = function() Rows = {} return true end')
  nvim:type('d')
  nvim:settle()
  equal(nvim:get('T.messages[#T.messages][2]'), 'nothing is allowed for longer than once here')
  equal(nvim:get('#vim.api.nvim_list_wins()'), 1)
end)

return T
